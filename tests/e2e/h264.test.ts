import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { LAN_HOST, launchChromium } from "../support/chromium.ts";
import { setVisibility } from "../support/page-conditions.ts";
import { processTree } from "../support/proc.ts";
import { type Running, startAgent, startRelay } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { ViewerPage } from "./page.ts";

const LADDER = 200; // ids of H.264 rungs start here

let browser: Browser;
let relay: Running & { url: string };
let agent: Running;
beforeAll(async () => {
	[browser, relay] = await Promise.all([
		launchChromium(),
		startRelay({ env: { ALLOWED_ORIGINS: `http://${LAN_HOST}` } }),
	]);
	const env = { CAMERA_NAME: "Bench" };
	agent = startAgent({ relayUrl: relay.url, camera: "test:?size=1280x720&fps=30", env });
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

const rung = async (page: ViewerPage) => Number(await page.tile("bench", "rendition"));
const showsH264 = (page: ViewerPage) =>
	until(async () => (await rung(page)) >= LADDER, { what: "H.264 on screen", timeoutMs: 10_000 });

/** The clocks of the next `count` pictures, which only ever go forward. */
async function clocks(page: ViewerPage, count: number): Promise<number[]> {
	return (await page.sightings("bench", count)).map(({ clock }) => clock);
}

test("on localhost the picture is H.264 of the camera's own size, without anybody's doing", async () => {
	await using page = await ViewerPage.open(browser, relay.url);
	await page.reaches("bench", "live");
	await until(async () => (await rung(page)) >= LADDER && (await page.canvasLines("bench")) === 720, {
		what: "720 lines of H.264",
		timeoutMs: 20_000,
	});
	const seen = await clocks(page, 60);
	expect(seen).toEqual(seen.toSorted((a, b) => a - b));
	expect(Number(await page.tile("bench", "picturesOpen"))).toBeLessThanOrEqual(2);
	expect(await page.tile("bench", "undecodable")).toBe("0");
	expect(page.problems).toEqual([]);
}, 40_000);

test("pages with and without H.264 watch one camera, each in its own codec", async () => {
	await using one = await ViewerPage.open(browser, relay.url);
	await using two = await ViewerPage.open(browser, `http://${LAN_HOST}:${new URL(relay.url).port}/`);
	await Promise.all([showsH264(one), two.reaches("bench", "live")]);
	await Promise.all([one.paints("bench", 30), two.paints("bench", 30)]);
	expect(await rung(two)).toBeLessThan(LADDER);
	expect([...one.problems, ...two.problems]).toEqual([]);
}, 40_000);

test("rungs of both ladders by hand: no frame out of order, none lost for want of a key", async () => {
	await using page = await ViewerPage.open(browser, relay.url);
	await showsH264(page);
	const seen = clocks(page, 120);
	for (const id of [202, 204, 6, 201, 204]) {
		await page.choose(id);
		await until(async () => (await rung(page)) === id, { what: `rung ${id}`, timeoutMs: 10_000 });
	}
	const times = await seen;
	expect(times).toEqual(times.toSorted((a, b) => a - b));
	expect(await page.tile("bench", "undecodable")).toBe("0");
	expect(page.problems).toEqual([]);
}, 60_000);

test("a hidden tab joins again at a key", async () => {
	await using page = await ViewerPage.open(browser, relay.url);
	await showsH264(page);
	await setVisibility(page.page, "hidden");
	const viewers = async () =>
		((await (await fetch(`${relay.url}/api/cameras/bench`)).json()) as { viewers: number }).viewers;
	await until(async () => (await viewers()) === 0, { what: "no viewer" });
	const hiddenTime = Date.now();
	await setVisibility(page.page, "visible");
	await until(async () => Number(await page.tile("bench", "captureTime")) > hiddenTime, {
		what: "a picture of now",
	});
	await showsH264(page);
	expect(await page.tile("bench", "undecodable")).toBe("0");
}, 40_000);

test("the encoders are killed in the middle of it: the last picture stays, a new key comes within 3 s", async () => {
	await using page = await ViewerPage.open(browser, relay.url);
	await showsH264(page);
	await page.paints("bench", 10);
	const worker = processTree(agent.pid).find((pid) => pid !== agent.pid)!;
	const frames = Number(await page.tile("bench", "frames"));
	const killTime = Date.now();
	process.kill(worker, "SIGKILL");
	await until(
		async () => {
			expect(await page.pictureClock("bench")).not.toBeNull();
			return Number(await page.tile("bench", "captureTime")) > killTime + 50;
		},
		{ what: "a picture of the new encoder", timeoutMs: 3_000 },
	);
	await showsH264(page);
	await page.paints("bench", 30);
	expect(Number(await page.tile("bench", "frames"))).toBeGreaterThan(frames);
	expect(page.problems).toEqual([]);
}, 40_000);
