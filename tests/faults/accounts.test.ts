import { expect, test } from "bun:test";
import { imbalances, settledAccounts } from "../support/accounts.ts";
import { MjpegServer } from "../support/mjpeg-server.ts";
import { startAgent, startRelay } from "../support/processes.ts";
import { SlowLink } from "../support/slow-link.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

const FRAMES = 40;
const RENDITION = 0; // whatever else the uplink carries, this one is always made

test("every frame is accounted for, from camera to viewer, over slow and good links", async () => {
	await using camera = new MjpegServer({ width: 640, height: 360, framesPerSecond: 25 });
	await using relay = await startRelay();
	const port = Number(new URL(relay.url).port);
	await using uplink = new SlowLink({ targetPort: port, upBps: 40_000 });
	await using downlink = new SlowLink({ targetPort: port, downBps: 10_000 });
	await using _agent = startAgent({
		relayUrl: `http://127.0.0.1:${uplink.port}`,
		camera: camera.url,
		env: { CAMERA_NAME: "Bench" },
	});
	const listed = async () => (await fetch(`${relay.url}/readyz`)).ok;
	await until(listed, { what: "a live camera", timeoutMs: 20_000 });
	const clients = [relay.url, `http://127.0.0.1:${downlink.port}`].map(
		(url) => new WireClient(`${url}/watch`, { onFrame: () => {} }),
	);
	for (const client of clients) await client.heard("welcome");
	for (const client of clients) client.watch({ bench: RENDITION });

	const settled = async () => {
		const count = clients[0]!.frameCount;
		camera.silent = false;
		await until(() => clients[0]!.frameCount > count + FRAMES, { what: "frames", timeoutMs: 30_000 });
		camera.silent = true; // and everybody stays connected
		return await settledAccounts(relay.url, "bench");
	};
	const first = await settled();
	const second = await settled();
	for (const accounts of [first, second]) expect(accounts.viewers).toBe(2);
	expect(
		imbalances(
			second,
			clients.map(({ frameCount }) => frameCount),
		),
	).toEqual([]);
	// Between the two the same rendition was wanted all the time: every captured frame was encoded or counted as not.
	const made = ({ counters }: typeof first) => counters.agent!.renditions.find(({ id }) => id === RENDITION)!;
	const captured = second.counters.agent!.captured - first.counters.agent!.captured;
	expect(captured).toBeGreaterThan(FRAMES);
	const encoded = made(second).encoded - made(first).encoded;
	expect(encoded + made(second).notEncoded - made(first).notEncoded).toBe(captured);
	expect(second.counters.delivery.replaced).toBeGreaterThan(0); // the slow link has cost somebody a frame
	for (const client of clients) client.close();
}, 60_000);
