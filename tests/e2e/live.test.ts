import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { launchChromium } from "../support/chromium.ts";
import { processTree } from "../support/proc.ts";
import { type Running, startAgent, startRelay } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { ViewerPage } from "./page.ts";

let browser: Browser;
let relay: Running & { url: string };
let agent: Running;
beforeAll(async () => {
	[browser, relay] = await Promise.all([launchChromium(), startRelay()]);
	agent = startAgent({ relayUrl: relay.url, camera: "test:", env: { CAMERA_NAME: "Bench" } });
	await until(async () => (await fetch(`${relay.url}/readyz`)).ok, {
		what: "a live camera",
		timeoutMs: 20_000,
	});
}, 60_000);
afterAll(async () => {
	await browser.close();
	await agent[Symbol.asyncDispose]();
	await relay[Symbol.asyncDispose]();
});

interface Report {
	demand: number[];
	viewers: number;
	counters: {
		received: { frames: number; bytes: number };
		agent: { captured: number; renditions: { id: number; encoded: number; notEncoded: number }[] } | null;
	};
}
const report = async (): Promise<Report> =>
	(await (await fetch(`${relay.url}/api/cameras/bench`)).json()) as Report;
const encoded = async () =>
	new Map((await report()).counters.agent?.renditions.map(({ id, encoded }) => [id, encoded]) ?? []);

/** Waits until the agent has confirmed that it makes nothing any more. */
async function idle(): Promise<Report> {
	await until(async () => (await report()).demand.length === 0, { what: "no demand", timeoutMs: 10_000 });
	// Counters are told at most once a second, and only after a change: two equal readings that far apart are final.
	let last = "";
	return await until(
		async () => {
			const now = await report();
			const text = JSON.stringify(now.counters);
			const isFinal = text === last;
			last = text;
			return isFinal ? now : null;
		},
		{ what: "the counters to stand still", intervalMs: 1_500, timeoutMs: 15_000 },
	);
}

/** The counters once all but `running` have stopped: they are told once a second, so two equal ones further apart do. */
async function settled(...running: number[]): Promise<Map<number, number>> {
	let last = "";
	return await until(
		async () => {
			const counters = await encoded();
			const others = JSON.stringify([...counters].filter(([id]) => !running.includes(id)));
			const isSettled = others === last;
			last = others;
			return isSettled ? counters : null;
		},
		{ what: `all but ${running} to stop`, intervalMs: 1_500, timeoutMs: 15_000 },
	);
}

describe("demand is exact", () => {
	test("nobody watches: not one frame leaves the agent and no encoder runs", async () => {
		const before = await idle();
		const after = await idle();
		expect(after.counters).toEqual(before.counters);
		expect(after.viewers).toBe(0);
	});

	test("two pages on two rungs make exactly two renditions, and none 2 s after the last has left", async () => {
		await idle();
		const before = await encoded();
		{
			await using one = await ViewerPage.open(browser, relay.url);
			await using two = await ViewerPage.open(browser, relay.url);
			await Promise.all([one.reaches("bench", "live"), two.reaches("bench", "live")]);
			await one.choose(1);
			await two.choose(4);
			await until(async () => (await report()).demand.join() === "1,4", { what: "demand for 1 and 4" });
			await until(async () => (await one.tile("bench", "rendition")) === "1", { what: "rung 1 on page one" });
			await until(async () => (await two.tile("bench", "rendition")) === "4", { what: "rung 4 on page two" });
			const start = await settled(1, 4);
			await Promise.all([one.paints("bench", 40), two.paints("bench", 40)]);
			await until(async () => ((await encoded()).get(1) ?? 0) > (start.get(1) ?? 0), {
				what: "new counters",
			});
			const made = [...(await encoded())].filter(([id, count]) => count > (start.get(id) ?? 0));
			expect(made.map(([id]) => id).sort()).toEqual([1, 4]);
			expect([...one.problems, ...two.problems]).toEqual([]);
		}
		const after = await idle();
		expect(after.demand).toEqual([]);
		expect((await encoded()).get(1)).toBeGreaterThan(before.get(1) ?? 0);
	});
});

describe("one page", () => {
	test("changes its rung on the same connection, without a frame out of order", async () => {
		await using page = await ViewerPage.open(browser, relay.url);
		await page.reaches("bench", "live");
		let dials = 0;
		page.page.on("websocket", () => dials++);
		for (const rung of [0, 8, 3, 6]) {
			await page.choose(rung);
			await until(async () => (await page.tile("bench", "rendition")) === `${rung}`, {
				what: `rung ${rung}`,
			});
		}
		const clocks = (await page.sightings("bench", 30)).map(({ clock }) => clock);
		expect(clocks).toEqual(clocks.toSorted((a, b) => a - b));
		expect(dials).toBe(0);
		expect(page.problems).toEqual([]);
	});

	test("says an age that agrees with the clock in the picture within 20 ms", async () => {
		await using page = await ViewerPage.open(browser, relay.url);
		await page.reaches("bench", "live");
		await page.paints("bench", 60);
		const seen = await page.sightings("bench", 90);
		const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
		const truth = median(seen.map(({ ageMs }) => ageMs));
		const said = median(seen.map(({ saidMs }) => saidMs!));
		expect(Math.abs(truth - said)).toBeLessThan(20);
	});

	test("closes every picture: at most two are open after hundreds of frames", async () => {
		await using page = await ViewerPage.open(browser, relay.url);
		await page.reaches("bench", "live");
		await page.paints("bench", 300);
		expect(Number(await page.tile("bench", "picturesOpen"))).toBeLessThanOrEqual(2);
	});
});

describe("what breaks comes back", () => {
	test("a worker killed in the middle of it: picture again, no reload", async () => {
		await using page = await ViewerPage.open(browser, relay.url);
		await page.reaches("bench", "live");
		const worker = processTree(agent.pid).find((pid) => pid !== agent.pid)!;
		const captureTime = Number(await page.tile("bench", "captureTime"));
		process.kill(worker, "SIGKILL");
		await until(async () => Number(await page.tile("bench", "captureTime")) > captureTime + 400, {
			what: "newer pictures of the new worker",
			timeoutMs: 3_000,
		});
		expect(page.problems).toEqual([]);
	});

	test("a worker that hangs is killed and replaced", async () => {
		await using page = await ViewerPage.open(browser, relay.url);
		await page.reaches("bench", "live");
		const worker = processTree(agent.pid).find((pid) => pid !== agent.pid)!;
		const seen = agent.lineCount;
		process.kill(worker, "SIGSTOP");
		await agent.waitForLine(/worker hangs, killing it/, 10_000, seen);
		await page.reaches("bench", "live");
		await page.paints("bench");
	});

	test("a relay that restarts: the page keeps its last picture, says so, and goes on by itself", async () => {
		await using own = await startRelay();
		const port = Number(new URL(own.url).port);
		await using _agent = startAgent({ relayUrl: own.url, camera: "test:", env: { CAMERA_NAME: "Bench" } });
		await using page = await ViewerPage.open(browser, own.url);
		await page.reaches("bench", "live");
		own.kill("SIGTERM");
		await own.exited;
		await page.page.waitForSelector("[data-notice=link]");
		expect(await page.pictureClock("bench")).not.toBeNull();
		await using _again = await startRelay({ port });
		await page.reaches("bench", "live");
		await page.paints("bench");
	});
});
