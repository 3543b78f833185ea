import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { type Running, startRelay } from "../../support/processes.ts";
import { dial } from "../../support/tight-socket.ts";
import { until } from "../../support/until.ts";
import { WireAgent } from "../../support/wire-agent.ts";

let relay: Running & { url: string };
beforeAll(async () => {
	relay = await startRelay();
});
afterAll(() => relay[Symbol.asyncDispose]());

interface Event {
	id: number;
	name: string;
	data: { id: string; state: string; reason: string | null; name: string; since: string } & {
		length?: number;
	};
}

/** An own reader of server-sent events (HTML, section 9.2): every line it meets must be one of the known ones. */
class Events implements Disposable {
	readonly events: Event[] = [];
	comments = 0;
	retry: number | null = null;
	response!: Response;
	readonly #leaving = new AbortController();

	static async open(url: string): Promise<Events> {
		const reader = new Events();
		reader.response = await fetch(`${url}/api/events`, { signal: reader.#leaving.signal });
		void reader.#read().catch(() => {});
		return reader;
	}

	/** The events about one camera, in order: `gone` or its state. */
	about(id: string): string[] {
		return this.events
			.filter(({ name, data }) => name !== "cameras" && data.id === id)
			.map(({ name, data }) => (name === "gone" ? "gone" : `${data.state} ${data.reason}`));
	}

	[Symbol.dispose](): void {
		this.#leaving.abort();
	}

	async #read(): Promise<void> {
		let rest = "";
		let event: Partial<Event> = {};
		for await (const chunk of this.response.body!.pipeThrough(new TextDecoderStream() as never)) {
			const lines = (rest + (chunk as unknown as string)).split("\n");
			rest = lines.pop()!;
			for (const line of lines) {
				const [, field, value] = /^(id|event|data|retry|): (.*)$/.exec(line) ?? [];
				if (line === "" && event.data) this.events.push(event as Event);
				if (line === "") event = {};
				else if (field === "id") event.id = Number(value);
				else if (field === "event") event.name = value!;
				else if (field === "data") event.data = JSON.parse(value!);
				else if (field === "retry") this.retry = Number(value);
				else if (field === "") this.comments++;
				else throw new Error(`not a line of an event stream: ${line}`);
			}
		}
	}
}

describe("/api/events", () => {
	test("tells the whole state first, then each change once and in order, with growing ids", async () => {
		using there = await new WireAgent(relay.url, "there").publish("i", "There & then");
		using reader = await Events.open(relay.url);
		expect(reader.response.headers.get("content-type")).toBe("text/event-stream");
		expect(reader.response.headers.get("cache-control")).toContain("no-store");
		const first = await until(() => reader.events[0], { what: "the whole state" });
		expect([first.name, reader.retry]).toEqual(["cameras", 1_000]);
		expect(first.data as unknown as object[]).toContainEqual({
			id: "there",
			name: "There & then",
			state: "live",
			reason: null,
			detail: null,
			since: expect.any(String),
			source: { width: 64, height: 48, framesPerSecond: 30 },
		});

		const comes = await new WireAgent(relay.url, "comes").publish("one");
		await until(() => reader.about("comes").at(-1) === "live null", { what: "the new camera live" });
		comes.close();
		await until(() => reader.about("comes").at(-1) === "offline agent-gone", {
			what: "the end of its agent",
		});
		using again = await new WireAgent(relay.url, "comes").publish("two");
		await until(() => reader.about("comes").at(-1) === "live null", { what: "its return" });
		again.say({ type: "publish", instance: "two", cameras: [] });
		await until(() => reader.about("comes").at(-1) === "gone", { what: "its leaving" });

		const story = reader.about("comes");
		expect(story[0]).toBe("connecting opening");
		expect(story.filter((state, i) => state === story[i - 1])).toEqual([]);
		expect(story.filter((state) => state === "offline agent-gone")).toHaveLength(1);
		expect(reader.about("there")).toEqual([]); // nothing happened to it
		const ids = reader.events.map(({ id }) => id);
		expect(ids).toEqual(ids.toSorted((a, b) => a - b));
		expect(new Set(ids).size).toBe(ids.length);
		expect(there.closed).toBeNull();
	});

	test("a reader that comes later, or again, begins with the state as it is then", async () => {
		using agent = await new WireAgent(relay.url, "later").publish();
		using first = await Events.open(relay.url);
		await until(() => first.events.length > 0, { what: "the whole state" });
		agent.close();
		await until(() => first.about("later").includes("offline agent-gone"), { what: "the change" });
		using second = await Events.open(relay.url);
		const whole = await until(() => second.events[0], { what: "the whole state" });
		expect(whole.data as unknown as object[]).toContainEqual(
			expect.objectContaining({ id: "later", state: "offline", reason: "agent-gone" }),
		);
		expect(first.about("later")).toEqual(["offline agent-gone"]);
	});

	test("is not silent for long while nothing happens", async () => {
		using reader = await Events.open(relay.url);
		await until(() => reader.comments > 0, { what: "a comment", timeoutMs: 20_000 });
		expect(reader.events).toHaveLength(1);
	}, 30_000);

	test("a reader that left is forgotten; one that takes nothing is ended before it costs more than a few megabytes", async () => {
		await using own = await startRelay();
		const streams = async () =>
			Number(/^sightline_event_streams (\d+)$/m.exec(await (await fetch(`${own.url}/metrics`)).text())?.[1]);
		const left = await Events.open(own.url);
		await until(async () => (await streams()) === 1, { what: "a reader" });
		left[Symbol.dispose]();
		await until(async () => (await streams()) === 0, { what: "no reader" });

		const agents = await Promise.all(
			["noisy", "loud", "busy"].map((id) => new WireAgent(own.url, id).publish()),
		);
		let isClosed = false;
		let stalled!: Bun.Socket;
		await dial(
			{ port: Number(new URL(own.url).port), bufferBytes: 16_384 },
			{
				open(socket) {
					stalled = socket as unknown as Bun.Socket;
					socket.write("GET /api/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
					socket.pause();
				},
				data() {},
				close() {
					isClosed = true;
				},
			},
		);
		await until(async () => (await streams()) === 1, { what: "the stalled reader" });
		let round = 0;
		await until(
			async () => {
				// Each detail is another one, so each is a change.
				for (const agent of agents.flatMap((one) => Array<WireAgent>(200).fill(one)))
					agent.say({
						type: "camera",
						id: agent.id,
						state: "offline",
						reason: "busy",
						detail: `${round++} ${"x".repeat(250)}`,
						source: null,
						renditions: [],
					});
				return (await streams()) === 0;
			},
			{ what: "the stalled reader to be ended", timeoutMs: 30_000, intervalMs: 250 }, // 1 000 messages a second are a flood,
		);
		stalled.resume();
		await until(() => isClosed, { what: "its connection to be closed", timeoutMs: 10_000 });
		expect(agents.map(({ closed }) => closed)).toEqual([null, null, null]);
		for (const agent of agents) agent.close();
	}, 60_000);
});
