import { describe, expect, test } from "bun:test";
import { Crowd } from "../support/crowd.ts";
import { stablePort } from "../support/ports.ts";
import { startAgent, startRelay } from "../support/processes.ts";
import { revive } from "../support/revive.ts";
import { until } from "../support/until.ts";

const VIEWERS = 100;
const CAMERA = "test:?size=320x180&fps=10";
const ENV = { CAMERA_NAME: "Bench" };

const nearlyAll = (values: number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.99)]!;

test("a relay killed hard: all viewers have a picture 2 s after there is one again, and nobody hammers it", async () => {
	const port = stablePort();
	await using relay = await startRelay({ port });
	await using _agent = startAgent({ relayUrl: relay.url, camera: CAMERA, env: ENV });
	await using crowd = new Crowd({ url: relay.url, count: VIEWERS, camera: "bench" });
	await crowd.all(({ frames }) => frames > 2, "to have a picture");
	await crowd.mark();
	relay.kill("SIGKILL");
	await relay.exited;
	const downTime = performance.timeOrigin + performance.now();
	await Bun.sleep(1_000); // the outage itself
	const { relay: again, listenTime } = await revive({ port });
	await using _again = again;
	const viewers = await crowd.all(
		({ firstFrameTime }) => firstFrameTime !== null && firstFrameTime > downTime,
		"to have a picture again",
	);

	expect(nearlyAll(viewers.map(({ firstFrameTime }) => firstFrameTime! - listenTime))).toBeLessThan(2_000);
	// Everybody knows of the loss in the same instant: full jitter spreads the first dials over 300 ms.
	const first = viewers.map(({ dials }) => dials[0]! - downTime).toSorted((a, b) => a - b);
	expect(first.at(-1)! - first[0]!).toBeGreaterThan(100);
	expect(Math.max(...viewers.map(({ dials }) => dials.length))).toBeLessThanOrEqual(6);
}, 40_000);

describe("an agent killed hard", () => {
	test("viewers are told within a second, and have the next one's picture within three", async () => {
		await using relay = await startRelay();
		const launch = { relayUrl: relay.url, camera: CAMERA, env: ENV };
		await using crowd = new Crowd({ url: relay.url, count: VIEWERS, camera: "bench" });
		const agent = startAgent(launch);
		await crowd.all(({ frames }) => frames > 2, "to have a picture");
		agent.kill("SIGKILL");
		const killTime = performance.now();
		await crowd.all(({ cameraState }) => cameraState === "offline", "to be told");
		expect(performance.now() - killTime).toBeLessThan(1_000);
		await agent[Symbol.asyncDispose]();
		await crowd.mark();
		const startTime = performance.timeOrigin + performance.now();
		await using _next = startAgent(launch);
		const viewers = await crowd.all(({ frames }) => frames > 0, "to have a picture again");
		expect(nearlyAll(viewers.map(({ firstFrameTime }) => firstFrameTime! - startTime))).toBeLessThan(3_000);
		expect(viewers.every(({ dials, older }) => dials.length === 0 && older === 0)).toBe(true);
		await until(async () => (await (await fetch(`${relay.url}/healthz`)).json()).faults === 0, {
			what: "no fault",
		});
	}, 40_000);
});
