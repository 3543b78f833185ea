import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { throwAt } from "../support/fuzz.ts";
import { lieOf, sendBroken, serveBroken } from "../support/jpeg-fuzz.ts";
import { MjpegServer } from "../support/mjpeg-server.ts";
import { processTree } from "../support/proc.ts";
import { type Running, startAgent, startRelay } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { smallJpeg, WireAgent } from "../support/wire-agent.ts";
import { WireClient } from "../support/wire-client.ts";

const MESSAGES = 20_000; // `bench fuzz` throws a million
const PICTURES = 2_000;
const seed = Math.floor(Math.random() * 2 ** 32);

let relay: Running & { url: string };
beforeAll(async () => {
	relay = await startRelay();
	console.log(`seed ${seed}`);
});
afterAll(() => relay[Symbol.asyncDispose]());

const faults = async () => (await (await fetch(`${relay.url}/healthz`)).json()).faults;

async function viewerOf(id: string, lies: string[]): Promise<WireClient> {
	const viewer = new WireClient(`${relay.url}/watch`, {
		onFrame: (frame) => {
			const lie = lieOf(frame);
			if (lie) lies.push(lie);
		},
	});
	await viewer.heard("welcome");
	viewer.watch({ [id]: 0 });
	return viewer;
}

describe("whatever is sent to it", () => {
	test("the relay answers or closes, has no fault, and serves its viewers", async () => {
		using agent = await new WireAgent(relay.url, "bystander").publish();
		const lies: string[] = [];
		using viewer = await viewerOf("bystander", lies);
		await until(() => agent.demand?.renditions.length, { what: "demand" });
		const jpeg = await smallJpeg();
		const sending = setInterval(() => agent.sendFrame(jpeg), 33);
		const thrown = await throwAt(relay.url, MESSAGES, seed);
		clearInterval(sending);
		expect({ seed, hung: thrown.hung, faults: await faults() }).toEqual({ seed, hung: 0, faults: 0 });
		const count = viewer.frameCount;
		agent.sendFrame(jpeg);
		await until(() => viewer.frameCount > count, { what: "the next frame" });
		expect([agent.closed, viewer.closed, lies]).toEqual([null, null, []]);
	}, 60_000);

	test("no picture of another size than its header's reaches a viewer", async () => {
		using agent = await new WireAgent(relay.url, "broken").publish();
		const lies: string[] = [];
		using viewer = await viewerOf("broken", lies);
		await until(() => agent.demand?.renditions.length, { what: "demand" });
		await sendBroken(agent, PICTURES, seed);
		const good = agent.sendFrame(await smallJpeg());
		await until(async () => (await reportOf("broken")).counters.received.refused > 0, { what: "a refusal" });
		await until(() => viewer.frameCount > 0, { what: "a frame" });
		expect({ seed, lies, faults: await faults(), closed: agent.closed }).toEqual({
			seed,
			lies: [],
			faults: 0,
			closed: null,
		});
		expect(good.seq).toBe(PICTURES);
	}, 60_000);

	test("an agent whose camera sends broken pictures shows the whole ones, in the same process", async () => {
		await using camera = new MjpegServer({ width: 320, height: 180, framesPerSecond: 10 });
		await using agent = startAgent({ relayUrl: relay.url, camera: camera.url, env: { CAMERA_NAME: "Odd" } });
		await agent.waitForLine(/camera live/);
		const tree = processTree(agent.pid);
		using viewer = await viewerOf("odd", []);
		await until(() => viewer.frameCount > 0, { what: "a picture" });
		camera.silent = true;
		await serveBroken(camera, PICTURES, seed);
		camera.silent = false;
		const count = viewer.frameCount;
		await until(() => viewer.frameCount > count + 2, { what: "new pictures", timeoutMs: 15_000 });
		expect({ seed, tree: processTree(agent.pid) }).toEqual({ seed, tree });
	}, 60_000);
});

async function reportOf(id: string) {
	return await (await fetch(`${relay.url}/api/cameras/${id}`)).json();
}
