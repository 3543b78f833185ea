import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { processTree, rssBytes } from "../support/proc.ts";
import { type Running, startAgent, startRelay } from "../support/processes.ts";
import { SlowLink } from "../support/slow-link.ts";
import { until } from "../support/until.ts";
import { smallJpeg, WireAgent } from "../support/wire-agent.ts";
import { WireClient } from "../support/wire-client.ts";

const NOTICED_MS = 5_500; // the promise is five seconds, the rest is this test's own looking
const BACK_MS = 8_000;
// Five seconds of queued 720p pictures at 30 a second would be 200 MB; an agent that has just begun grows by 3 to 6 MB,
// and under load was seen to grow by 33.
const GROWTH_BYTES = 60_000_000;

let relay: Running & { url: string };
beforeAll(async () => {
	relay = await startRelay();
});
afterAll(() => relay[Symbol.asyncDispose]());

const port = () => Number(new URL(relay.url).port);
const camera = async (id: string) =>
	(await (await fetch(`${relay.url}/api/cameras/${id}`)).json()) as {
		state: string;
		reason: string;
		viewers: number;
	};

describe.each([1, 30])("a cable pulled at %d frames a second", (framesPerSecond) => {
	test("on the agent's side: it notices, nothing piles up, the picture comes back by itself", async () => {
		await using link = new SlowLink({ targetPort: port() });
		const id = `agent-${framesPerSecond}`;
		await using agent = startAgent({
			relayUrl: `http://127.0.0.1:${link.port}`,
			camera: `test:?fps=${framesPerSecond}`,
			env: { CAMERA_NAME: id },
		});
		await agent.waitForLine(/publishing/);
		using viewer = new WireClient(`${relay.url}/watch`);
		await viewer.heard("welcome");
		viewer.watch({ [id]: 6 });
		await until(() => viewer.frameCount > framesPerSecond, { what: "a second of frames" });
		const before = rssBytes(...processTree(agent.pid));
		const seen = agent.lineCount;
		link.vanish();
		await agent.waitForLine(/nothing heard from the relay/, NOTICED_MS, seen);
		expect(rssBytes(...processTree(agent.pid)) - before).toBeLessThan(GROWTH_BYTES);
		const count = viewer.frameCount;
		link.restore();
		await until(() => viewer.frameCount > count + 2, { what: "new frames", timeoutMs: BACK_MS });
	});

	test("on the agent's side, seen from the relay: the camera is offline", async () => {
		await using link = new SlowLink({ targetPort: port() });
		const id = `lost-${framesPerSecond}`;
		using agent = await new WireAgent(`http://127.0.0.1:${link.port}`, id).publish();
		const jpeg = await smallJpeg();
		const sending = setInterval(() => agent.sendFrame(jpeg), 1000 / framesPerSecond);
		link.vanish();
		await until(async () => (await camera(id)).reason === "agent-gone", {
			what: "the relay to give the agent up",
			timeoutMs: NOTICED_MS,
		});
		clearInterval(sending);
	});

	test("on the viewer's side: the relay lets it go, and stops what nobody watches", async () => {
		await using link = new SlowLink({ targetPort: port() });
		const id = `viewer-${framesPerSecond}`;
		await using agent = startAgent({
			relayUrl: relay.url,
			camera: `test:?fps=${framesPerSecond}`,
			env: { CAMERA_NAME: id },
		});
		await agent.waitForLine(/publishing/);
		using viewer = new WireClient(`http://127.0.0.1:${link.port}/watch`);
		await viewer.heard("welcome");
		viewer.watch({ [id]: 6 });
		await viewer.frame();
		link.vanish();
		await until(async () => (await camera(id)).viewers === 0, {
			what: "the relay to give the viewer up",
			timeoutMs: NOTICED_MS,
		});
	});
});
