import { expect, test } from "bun:test";
import { AvcPlayer } from "../support/avc-player.ts";
import { DemandingRelay } from "../support/demanding-relay.ts";
import { processTree, rssBytes } from "../support/proc.ts";
import { startAgent } from "../support/processes.ts";
import { until } from "../support/until.ts";

const TOP = 204;

test("a worker killed while it encodes is followed by another: a new epoch starts with a key within 3 s", async () => {
	await using relay = new DemandingRelay();
	relay.demand(TOP);
	await using agent = startAgent({ relayUrl: relay.url, camera: "test:" });
	const worker = () => processTree(agent.pid).find((pid) => pid !== agent.pid);
	await until(() => relay.frameCount >= 30, { what: "a stream", timeoutMs: 20_000 });
	const { epoch } = relay.newest!.header;
	const first = worker()!;
	process.kill(first, "SIGKILL");
	const killTime = performance.now();
	const { header, body } = await relay.frame((frame) => frame.header.epoch > epoch);
	expect(performance.now() - killTime).toBeLessThan(3_000);
	expect(worker()).not.toBe(first);
	expect(header).toMatchObject({ isKey: true, seq: 0, codec: "h264" });
	using player = new AvcPlayer(header.config!);
	expect(player.timeOf(body)).not.toBeNull();
});

test("200 viewers that come and go leave no encoder behind: each begins with a key, memory stays", async () => {
	await using relay = new DemandingRelay();
	await using agent = startAgent({ relayUrl: relay.url, camera: "test:?size=1280x720&fps=60" });
	relay.demand(TOP);
	await relay.frame(() => true);
	const visit = async () => {
		relay.demand();
		await relay.confirmed();
		const before = relay.frameCount; // one under way when the viewer left may still come
		relay.demand(TOP);
		const came = () => relay.frames.slice(before - relay.frameCount || relay.frames.length);
		await until(() => came().some(({ header }) => header.isKey), { what: "a key", intervalMs: 4 });
		expect(came().findIndex(({ header }) => header.isKey)).toBeLessThanOrEqual(1);
	};
	const memory = () => rssBytes(...processTree(agent.pid)) / 2 ** 20;
	for (let count = 0; count < 50; count++) await visit();
	const before = memory();
	for (let count = 0; count < 150; count++) await visit();
	expect(memory() - before).toBeLessThan(60); // one left open takes 20 MiB
});
