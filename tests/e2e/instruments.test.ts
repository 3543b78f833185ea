import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { launchChromium } from "../support/chromium.ts";
import { readFilm } from "../support/film.ts";
import { type Running, startAgent, startRelay } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { ViewerPage } from "./page.ts";

let browser: Browser;
let relay: Running & { url: string };
let agent: Running;
let folder: string;
beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), "instruments-"));
	[browser, relay] = await Promise.all([launchChromium(), startRelay()]);
	const env = { CAMERA_NAME: "Bench" };
	agent = startAgent({ relayUrl: relay.url, camera: "test:?size=640x360&fps=15", env });
	await until(async () => (await fetch(`${relay.url}/readyz`)).ok, {
		what: "a live camera",
		timeoutMs: 20_000,
	});
}, 60_000);
afterAll(async () => {
	await browser.close();
	await agent[Symbol.asyncDispose]();
	await relay[Symbol.asyncDispose]();
	rmSync(folder, { recursive: true });
});

/** How far two clocks of 32 bits are apart, ms. */
const apart = (a: number, b: number) => Math.abs((a - b) | 0);

test("a recording's pictures stand at the times that the clocks in them show", async () => {
	await using page = await ViewerPage.open(browser, relay.url);
	await page.reaches("bench", "live");
	const { keyboard } = page.page;
	await keyboard.press("r");
	await page.page.locator("[data-recorded=time]", { hasText: /0:0[3-9]/ }).waitFor();
	const [download] = await Promise.all([page.page.waitForEvent("download"), keyboard.press("r")]);
	const path = join(folder, "film.mp4");
	await download.saveAs(path);
	const { frames, times, clocks, width, height, durationMs } = await readFilm(path);
	expect([width, height]).toEqual([640, 360]);
	expect(frames).toBe(times.length);
	expect(durationMs).toBeGreaterThan(2_500);
	const readable = clocks.flatMap((clock, i) => (clock === null ? [] : [{ clock, time: times[i]! }]));
	expect(readable.length).toBeGreaterThan(frames / 2); // the smallest rung may blur some
	const [first] = readable;
	for (const { clock, time } of readable)
		expect(Math.abs(apart(clock, first!.clock) - (time - first!.time))).toBeLessThan(20);
	expect(page.problems).toEqual([]);
}, 60_000);

test("a replay shows the picture of the time it says, while the present goes on", async () => {
	await using page = await ViewerPage.open(browser, relay.url);
	await page.reaches("bench", "live");
	await page.paints("bench", 45);
	await page.page.keyboard.press("Space");
	const replay = page.page.locator("[data-replay=held]");
	await replay.waitFor();
	for (const back of [5, 10, 20]) {
		for (let i = 0; i < back; i++) await page.page.getByRole("button", { name: "Picture before" }).click();
		await until(
			async () => {
				const time = Number(await replay.getAttribute("data-replay-time"));
				const clock = await page.page.evaluate(() => canvasClock("[data-replay] canvas"));
				return clock !== null && apart(clock, time) < 60;
			},
			{ what: "the picture of that time" },
		);
	}
	await page.paints("bench");
	await page.page.keyboard.press("Escape");
	await replay.waitFor({ state: "detached" });
	expect(page.problems).toEqual([]);
}, 60_000);
