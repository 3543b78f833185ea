import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { readFilm } from "../support/film.ts";
import { until } from "../support/until.ts";
import { Film, type FilmFrame } from "./film.ts";
import { filmVisit, shows } from "./film-visit.ts";
import { launch, OUT, type Visit } from "./page.ts";

let browser: Browser;
beforeAll(async () => {
	mkdirSync(OUT, { recursive: true });
	browser = await launch();
}, 60_000);
afterAll(() => browser?.close());

/** Sends a frame captured 40 ms after the one before, and waits until it is on screen. */
async function send(visit: Visit, frame: FilmFrame, captureTime: number): Promise<void> {
	visit.relay.send("bench", { ...frame, header: { ...frame.header, captureTime } });
	await shows(visit, frame);
}

test("looking back shows every frame of H.264 at its time, to and fro, through rungs and gaps", async () => {
	await using visit = await filmVisit(browser);
	using large = new Film(204);
	using small = new Film(202, { first: 100 });
	await visit.go();
	const start = Date.now() - 5_000;
	const sent: FilmFrame[] = [];
	for (const film of [large, small])
		for (const frame of await film.take(12)) {
			await send(visit, frame, start + sent.length * 40);
			sent.push(frame);
		}
	const [, ...stray] = await small.take(4); // the first of them is lost: the rest cannot be shown
	for (const [i, frame] of stray.entries())
		visit.relay.send("bench", { ...frame, header: { ...frame.header, captureTime: start + 2_000 + i * 40 } });
	await visit.reaches("bench", "undecodable", "3");

	const { page } = visit;
	await page.keyboard.press("Space");
	await page.locator("[data-replay=held]").waitFor();
	const slider = page.getByRole("slider");
	expect(Number(await slider.getAttribute("max"))).toBe(start + 23 * 40);
	for (const i of [23, 5, 6, 7, 20, 0, 11, 12, 13, 3]) {
		await slider.fill(String(start + i * 40 + 1));
		await page.locator(`[data-replay-time="${start + i * 40}"]`).waitFor();
		await until(
			async () => (await page.evaluate(() => canvasClock("[data-replay] canvas"))) === sent[i]!.clock,
			{ what: `frame ${i}` },
		);
	}
	await page.getByRole("button", { name: "Play" }).click();
	await page.locator(`[data-replay=held][data-replay-time="${start + 23 * 40}"]`).waitFor();
	await until(
		async () => (await page.evaluate(() => canvasClock("[data-replay] canvas"))) === sent[23]!.clock,
		{ what: "the last frame" },
	);
	expect(visit.problems).toEqual([]);
}, 60_000);

test("a recording of H.264 has every picture in its place", async () => {
	await using visit = await filmVisit(browser);
	using film = new Film(204);
	await visit.go();
	const { page } = visit;
	const start = Date.now() - 20_000;
	const clocks: number[] = [];
	const next = async () => {
		const frame = await film.next();
		await send(visit, frame, start + clocks.length * 40);
		clocks.push(frame.clock);
	};
	await next();
	await page.keyboard.press("r");
	const time = page.locator("[data-recorded=time]");
	await time.waitFor();
	while (clocks.length < 30 || (await time.textContent()) === "0:00") await next();
	const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("r")]);
	const path = join(OUT, "h264.mp4");
	await download.saveAs(path);
	const recorded = await readFilm(path);
	expect(recorded.frames).toBe(recorded.times.length);
	expect(recorded.frames).toBeGreaterThan(25);
	expect(recorded.clocks).toEqual(clocks.slice(-recorded.frames));
	expect(visit.problems).toEqual([]);
}, 60_000);
