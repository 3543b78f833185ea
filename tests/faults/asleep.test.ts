import { afterAll, beforeAll, expect, test } from "bun:test";
import { CLOSE } from "#shared/close.ts";
import { Crowd } from "../support/crowd.ts";
import { processTree, rssBytes } from "../support/proc.ts";
import { type Running, startAgent, startRelay } from "../support/processes.ts";
import { SlowLink } from "../support/slow-link.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

const ASLEEP_MS = 6_000; // longer than any side waits for a silent one
const CUT_MS = 8_000;
const LIVE_MS = 3_000; // the promise is a second after waking, plus one dial

let relay: Running & { url: string };
let agent: Running;
let link: SlowLink;
beforeAll(async () => {
	relay = await startRelay();
	link = new SlowLink({ targetPort: Number(new URL(relay.url).port) });
	agent = startAgent({
		relayUrl: `http://127.0.0.1:${link.port}`,
		camera: "test:?size=640x360&fps=30",
		env: { CAMERA_NAME: "Bench" },
	});
	await until(async () => (await fetch(`${relay.url}/readyz`)).ok, {
		what: "a live camera",
		timeoutMs: 20_000,
	});
});
afterAll(async () => {
	await agent[Symbol.asyncDispose]();
	await link[Symbol.asyncDispose]();
	await relay[Symbol.asyncDispose]();
});

const now = () => performance.timeOrigin + performance.now();
const worker = () => processTree(agent.pid).find((pid) => pid !== agent.pid)!;

test("a viewer that slept shows what is now: nothing of the past is replayed to it", async () => {
	await using crowd = new Crowd({ url: relay.url, count: 3, camera: "bench", rendition: 2 });
	await crowd.all(({ frames }) => frames > 10, "to have a picture");
	process.kill(crowd.pid, "SIGSTOP");
	await Bun.sleep(ASLEEP_MS); // the sleep itself
	await crowd.wake();
	const wakeTime = now();
	await crowd.all(({ ages }) => ages.fresh > 5, "to see the present", LIVE_MS + 5_000);
	const seen = await crowd.report();
	expect(now() - wakeTime).toBeLessThan(LIVE_MS);
	// What was under way when it fell asleep: the window lets three frame intervals go ahead of the acks.
	expect(Math.max(...seen.map(({ ages }) => ages.stale))).toBeLessThanOrEqual(4);
}, 40_000);

test("an uplink cut for seconds: the agent's memory stays, the picture comes back by itself", async () => {
	using viewer = new WireClient(`${relay.url}/watch`, { onFrame: () => {} });
	await viewer.heard("welcome");
	viewer.watch({ bench: 6 });
	await until(() => viewer.frameCount > 30, { what: "frames", timeoutMs: 15_000 });
	const before = rssBytes(worker());
	let most = before;
	link.freeze();
	const endTime = performance.now() + CUT_MS;
	while (performance.now() < endTime) {
		await Bun.sleep(250);
		most = Math.max(most, rssBytes(worker()));
	}
	link.thaw();
	const count = viewer.frameCount;
	await until(() => viewer.frameCount > count + 5, { what: "new frames", timeoutMs: 10_000 });
	expect(most - before).toBeLessThan(10_000_000); // unbounded, eight seconds of this rung would be 12 MB
}, 40_000);

test("a relay that stood still goes on with everybody, and drops nobody for its own sleep", async () => {
	await using crowd = new Crowd({ url: relay.url, count: 3, camera: "bench", rendition: 2 });
	using wire = new WireClient(`${relay.url}/watch`, { onFrame: () => {} });
	await wire.heard("welcome");
	await crowd.all(({ frames }) => frames > 10, "to have a picture");
	relay.kill("SIGSTOP");
	await Bun.sleep(ASLEEP_MS);
	relay.kill("SIGCONT");
	await crowd.mark();
	await crowd.all(({ frames }) => frames > 10, "to have a picture again", 15_000);
	expect(wire.closed?.code).not.toBe(CLOSE.timeout); // it would have answered
	expect((await (await fetch(`${relay.url}/healthz`)).json()).faults).toBe(0);
}, 40_000);

test("an agent that stood still, supervisor and all, is back by itself", async () => {
	await using crowd = new Crowd({ url: relay.url, count: 3, camera: "bench", rendition: 2 });
	await crowd.all(({ frames }) => frames > 10, "to have a picture");
	const tree = processTree(agent.pid);
	for (const pid of tree) process.kill(pid, "SIGSTOP");
	await crowd.all(({ cameraState }) => cameraState === "offline", "to be told", 8_000);
	await crowd.mark();
	for (const pid of tree) process.kill(pid, "SIGCONT");
	await crowd.all(({ frames }) => frames > 5, "to have a picture again", 10_000);
}, 40_000);
