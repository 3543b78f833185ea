import { expect, test } from "bun:test";
import { Turnstile } from "../../relay/delivery/turnstile.ts";
import { startRelay } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { WireAgent } from "../support/wire-agent.ts";
import { WireClient } from "../support/wire-client.ts";

test("some pass at once, then one an interval, however often they try", () => {
	const turnstile = new Turnstile({ atOnce: 3, intervalMs: 500 });
	const passed: number[] = [];
	for (let now = 0; now < 5_000; now += 10) if (turnstile.passes(now)) passed.push(now);
	expect(passed).toEqual([0, 10, 20, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500]);
});

test("after a rest as many pass at once again", () => {
	const turnstile = new Turnstile({ atOnce: 3, intervalMs: 500 });
	const burst = (now: number) => [1, 2, 3, 4].filter(() => turnstile.passes(now)).length;
	expect([burst(0), burst(100), burst(10_000)]).toEqual([3, 0, 3]);
});

test("a page that changes its rung all the time starts few encoders, and what it wants last is in force", async () => {
	await using relay = await startRelay();
	using agent = await new WireAgent(relay.url, "bench").publish();
	using page = new WireClient(`${relay.url}/watch`);
	await page.heard("welcome");
	for (let i = 0; i < 60; i++) page.watch({ bench: i % 4 });
	page.watch({ bench: 4 });
	await until(() => agent.demand?.renditions.includes(4), { what: "the last list" });
	const versions = new Set(
		agent.messages.filter(({ type }) => type === "demand").map(({ version }) => version),
	);
	expect(versions.size).toBeLessThanOrEqual(10);
	expect(page.closed).toBeNull();
});

test("a broken list is refused at once, also when it would have to wait", async () => {
	await using relay = await startRelay();
	using page = new WireClient(`${relay.url}/watch`);
	await page.heard("welcome");
	for (let i = 0; i < 20; i++) page.watch({ bench: 0 });
	const camera = { id: "bench", rendition: 0, maxLines: null, maxFramesPerSecond: null, isFocused: false };
	page.say({
		type: "watch",
		mode: "balanced",
		codecs: ["jpeg"],
		rememberedBps: null,
		cameras: [camera, camera],
	});
	expect((await page.ended()).code).toBe(4400);
	expect((await (await fetch(`${relay.url}/healthz`)).json()).faults).toBe(0);
});
