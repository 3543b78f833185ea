import type { CameraStatus } from "#shared/protocol.ts";
import type { Connection, Hub } from "../hub.ts";
import type { Line } from "./line.ts";
import { HttpProblem } from "./query.ts";

const MAX_STREAMS = 256;
const MAX_BEHIND_BYTES = 1024 * 1024; // more than the state of all cameras the relay keeps
const HEARTBEAT_MS = 15_000; // proxies end a body that is silent for a minute
const RETRY_MS = 1_000;
const bytesOf = new TextEncoder();
const HEADERS = {
	"Content-Type": "text/event-stream",
	"Cache-Control": "no-store, no-transform",
	"X-Accel-Buffering": "no", // nginx
};

/**
 * `/api/events`: the state of every camera first (`cameras`), then one event per change (`camera`) and per camera that
 * left (`gone`). A reader that reconnects begins with the whole state again, so nothing has to be kept for it.
 */
export class CameraEvents {
	readonly #hub: Hub;
	readonly #streams = new Set<EventStream>();
	#told = new Map<string, string>(); // what every reader has been told, by camera
	#id = 0;

	constructor(hub: Hub) {
		this.#hub = hub;
		hub.listeners.add(() => this.#changed());
	}

	get streamCount(): number {
		return this.#streams.size;
	}

	/** A new reader's answer. Throws HttpProblem when there are too many. */
	open(signal: AbortSignal, line: Line): Response {
		if (this.#streams.size >= MAX_STREAMS)
			throw new HttpProblem(503, `${MAX_STREAMS} readers of events are connected, which is the most`, 10);
		if (this.#streams.size === 0) this.#told = this.#states();
		else this.#changed(); // the others first: from here on all have been told the same
		const stream = new EventStream(this.#hub.clock(), () => this.#left(stream), line);
		line.keep();
		this.#streams.add(stream);
		this.#hub.connected(stream);
		signal.addEventListener("abort", () => stream.close(), { once: true });
		stream.write(`retry: ${RETRY_MS}\n${this.#event("cameras", `[${[...this.#told.values()].join()}]`)}`);
		return new Response(stream.body, { headers: HEADERS });
	}

	#changed(): void {
		if (this.#streams.size === 0) return;
		const states = this.#states();
		const events: string[] = [];
		for (const [id, state] of states)
			if (this.#told.get(id) !== state) events.push(this.#event("camera", state));
		for (const id of this.#told.keys())
			if (!states.has(id)) events.push(this.#event("gone", JSON.stringify({ id })));
		this.#told = states;
		const text = events.join("");
		if (text !== "") for (const stream of [...this.#streams]) stream.write(text);
	}

	#states(): Map<string, string> {
		return new Map(this.#hub.statuses.map((status) => [status.id, JSON.stringify(stateOf(status))]));
	}

	#event(name: string, data: string): string {
		return `id: ${++this.#id}\nevent: ${name}\ndata: ${data}\n\n`;
	}

	#left(stream: EventStream): void {
		this.#streams.delete(stream);
		this.#hub.disconnected(stream);
	}
}

function stateOf({ id, name, state, reason, detail, since, source }: CameraStatus) {
	return { id, name, state, reason, detail, since: new Date(since).toISOString(), source };
}

/** One reader: text goes out as it comes; whoever falls a megabyte behind is ended and may come again. */
class EventStream implements Connection {
	readonly body: ReadableStream<Uint8Array>;
	readonly #onEnd: () => void;
	readonly #line: Line;
	#controller!: ReadableStreamDefaultController<Uint8Array>; // given before the constructor of the stream returns
	#writeTime: number;
	#isEnded = false;

	constructor(now: number, onEnd: () => void, line: Line) {
		this.#writeTime = now;
		this.#onEnd = onEnd;
		this.#line = line;
		this.body = new ReadableStream<Uint8Array>(
			{
				start: (controller) => {
					this.#controller = controller;
				},
				cancel: () => this.#end(),
			},
			new ByteLengthQueuingStrategy({ highWaterMark: MAX_BEHIND_BYTES }),
		);
	}

	write(text: string): void {
		if (this.#isEnded) return;
		// A stream whose client has gone, unnoticed so far, has no room either: desiredSize is then 0 or null.
		if ((this.#controller.desiredSize ?? 0) > 0) return this.#controller.enqueue(bytesOf.encode(text));
		this.#end();
		this.#line.hangUp();
	}

	tick(now: number): void {
		if (now - this.#writeTime < HEARTBEAT_MS) return;
		this.#writeTime = now;
		this.write(": still here\n\n");
	}

	close(): void {
		if (this.#isEnded) return;
		this.#end();
		try {
			this.#controller.close();
		} catch {
			// the client has gone already
		}
	}

	#end(): void {
		if (this.#isEnded) return;
		this.#isEnded = true;
		this.#onEnd();
	}
}
