import { describe, expect, test } from "bun:test";
import { resolve } from "node:path";
import { stablePort } from "../support/ports.ts";
import { until } from "../support/until.ts";
import { smallJpeg, WireAgent } from "../support/wire-agent.ts";
import { WireClient } from "../support/wire-client.ts";

// Of the lines this makes a pipe takes about 700, the queue behind it 1 000. One agent may not say so much at once.
const AGENTS = 8;
const LISTS = 500;
const FRAMES = 30;

/** A relay whose log goes where the test says, read by nobody until the test does. */
async function relayInto(out: "pipe" | Bun.BunFile) {
	const port = stablePort();
	const child = Bun.spawn([process.execPath, "relay/main.ts"], {
		cwd: resolve(import.meta.dir, "../.."),
		env: { ...process.env, HOST: "127.0.0.1", PORT: `${port}`, BUN_FEATURE_FLAG_NO_ORPHANS: "1" },
		stdio: ["ignore", out, out],
		lazy: true,
	});
	const url = `http://127.0.0.1:${port}`;
	await until(async () => (await fetch(`${url}/healthz`)).ok, { what: "the relay to listen" });
	return { url, child };
}

/** Publishes the same lists again and again: one line of the relay's log each. */
async function fillLog(url: string): Promise<void> {
	const agents = await Promise.all(
		Array.from({ length: AGENTS }, (_, i) => new WireAgent(url, `fill-${i}`).publish()),
	);
	for (const agent of agents) {
		const list = {
			type: "publish",
			instance: `instance of ${agent.id}`,
			cameras: [{ id: agent.id, name: agent.id }],
		};
		for (let i = 0; i < LISTS; i++) agent.say(list);
	}
	const taken = ({ messages }: WireAgent) =>
		messages.filter(({ type }) => type === "channels").length > LISTS;
	await until(() => agents.every(taken), { what: "every list to be taken", timeoutMs: 15_000 });
}

async function passesFrames(url: string, agent: WireAgent): Promise<void> {
	using viewer = new WireClient(`${url}/watch`);
	await viewer.heard("welcome");
	viewer.watch({ [agent.id]: 0 });
	await until(() => agent.demand?.renditions.length, { what: "demand" });
	const jpeg = await smallJpeg();
	for (let i = 1; i <= FRAMES; i++) {
		agent.sendFrame(jpeg);
		await until(() => viewer.frameCount >= i, { what: `frame ${i}`, intervalMs: 1 });
	}
}

describe("a log", () => {
	test("that nobody reads stops no frame and no exit; what did not fit is counted in it", async () => {
		const { url, child } = await relayInto("pipe");
		using agent = await new WireAgent(url, "bench").publish();
		await fillLog(url);
		await passesFrames(url, agent);
		const [text] = await Promise.all([
			new Response(child.stdout as ReadableStream).text(),
			new Response(child.stderr as ReadableStream).text(),
			until(async () => (await fetch(`${url}/healthz`)).ok, { what: "an answer" }).then(() => {
				child.kill("SIGTERM");
			}),
		]);
		expect(await child.exited).toBe(0);
		const lost = [...text.matchAll(/^(\d+) lines of this log were lost/gm)].map(([, count]) => Number(count));
		const kept = text.split("\n").filter((line) => line.includes("agent publishes")).length;
		expect(lost.reduce((a, b) => a + b, 0) + kept).toBe(AGENTS * (LISTS + 1) + 1);
		expect(kept).toBeGreaterThan(1_000);
	}, 40_000);

	test("that nobody ever reads again does not hold up SIGTERM", async () => {
		const { url, child } = await relayInto("pipe");
		await fillLog(url);
		const startTime = performance.now();
		child.kill("SIGTERM");
		expect(await child.exited).toBe(0);
		expect(performance.now() - startTime).toBeLessThan(3_000);
	}, 40_000);

	test.skipIf(process.platform !== "linux")(
		"on a full disk stops no frame",
		async () => {
			const { url, child } = await relayInto(Bun.file("/dev/full"));
			using agent = await new WireAgent(url, "bench").publish();
			await fillLog(url);
			await passesFrames(url, agent);
			child.kill("SIGTERM");
			expect(await child.exited).toBe(0);
		},
		40_000,
	);
});
