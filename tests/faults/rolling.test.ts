import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { CLOSE } from "#shared/close.ts";
import { Crowd } from "../support/crowd.ts";
import { stablePort } from "../support/ports.ts";
import { type Running, startAgent, startRelay } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { smallJpeg, WireAgent } from "../support/wire-agent.ts";
import { WireClient } from "../support/wire-client.ts";

const RESTARTS = 3; // `bench rolling` makes ten under a thousand viewers
const VIEWERS = 30;
const GAP_MS = 1_000; // a cold start takes longer; the bench says how much shorter it is
const MIGRATE = "/proc/sys/net/ipv4/tcp_migrate_req";
const SHARED = { REUSE_PORT: "1" };

test("a relay that is replaced hands everybody over: nobody sees a gap, and who comes just then is let in", async () => {
	const port = stablePort();
	let relay = await startRelay({ port, env: SHARED });
	await using agent = startAgent({
		relayUrl: relay.url,
		camera: "test:?size=320x180&fps=20",
		env: { CAMERA_NAME: "Bench" },
	});
	await using crowd = new Crowd({ url: relay.url, count: VIEWERS, camera: "bench" });
	await crowd.all(({ frames }) => frames > 2, "to have a picture");
	await crowd.mark();
	await using newcomers = new Newcomers(relay.url);
	for (let i = 0; i < RESTARTS; i++) {
		const old: Running = relay;
		relay = await startRelay({ port, env: SHARED });
		old.kill("SIGTERM");
		expect(await old.exited).toBe(0);
		expect(old.lines.join("\n")).toContain(`handed over viewers=`);
	}
	const spectators = await crowd.report();
	expect(Math.max(...spectators.map(({ longestGapMs }) => longestGapMs))).toBeLessThan(GAP_MS);
	expect(spectators.every(({ link }) => link === "live")).toBe(true);
	// A dial in its first round trip when the old one stops listening is reset by Linux, unless tcp_migrate_req is on.
	expect(newcomers.failed.length).toBeLessThanOrEqual(newcomers.isMigrated ? 0 : RESTARTS);
	expect(newcomers.welcomed).toBeGreaterThan(10);
	expect(agent.lines.filter((line) => /relay lost|relay not reached/.test(line))).toEqual([]);
	await relay[Symbol.asyncDispose]();
}, 60_000);

test("a relay that has nobody to hand over to ends all the same, with 1012", async () => {
	await using relay = await startRelay({ env: SHARED });
	using agent = await new WireAgent(relay.url, "bench").publish();
	using viewer = new WireClient(`${relay.url}/watch`);
	await viewer.heard("welcome");
	viewer.watch({ bench: 0 });
	await until(() => agent.demand, { what: "demand" });
	relay.kill("SIGTERM");
	await agent.heard("moving");
	agent.sendFrame(await smallJpeg());
	await viewer.frame(); // it serves to the end
	expect(await agent.ended()).toMatchObject({ code: CLOSE.restarting });
	expect(await viewer.ended()).toMatchObject({ code: CLOSE.restarting });
	expect(await relay.exited).toBe(0);
}, 20_000);

/** Viewers that come, are welcomed and leave, one after the other for as long as it lives. */
class Newcomers implements AsyncDisposable {
	welcomed = 0;
	readonly failed: string[] = [];
	/** Whether this kernel passes on dials that a closed listener had not accepted yet. */
	readonly isMigrated = existsSync(MIGRATE) && readFileSync(MIGRATE, "utf8").trim() === "1";
	readonly #over = new AbortController();
	readonly #done: Promise<void>;

	constructor(relayUrl: string) {
		this.#done = this.#come(`${relayUrl}/watch`);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#over.abort();
		await this.#done;
	}

	async #come(url: string): Promise<void> {
		while (!this.#over.signal.aborted) {
			using client = new WireClient(url);
			const outcome = await until(() => client.messages[0]?.type ?? client.closed, { what: "an answer" });
			if (outcome === "welcome") this.welcomed++;
			else this.failed.push(JSON.stringify(outcome));
		}
	}
}
