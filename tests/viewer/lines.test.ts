import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { cameraStatus } from "./fake-relay.ts";
import { launch, Visit } from "./page.ts";

let browser: Browser;
beforeAll(async () => {
	browser = await launch();
}, 60_000);
afterAll(() => browser?.close());

const linesOf = (visit: Visit, camera: string) =>
	visit.relay.watched?.find(({ id }) => id === camera)?.maxLines ?? null;
const asks = (visit: Visit, camera: string, lines: number) =>
	visit.relay.heard(() => linesOf(visit, camera) === lines, `${lines} lines of ${camera}`);

describe("the lines asked for are those the picture fills", () => {
	test("they follow the window, but not every pixel of it", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		await visit.go();
		expect(linesOf(visit, "bench")).toBe(720);
		await visit.page.setViewportSize({ width: 1270, height: 714 });
		await visit.page.setViewportSize({ width: 960, height: 540 });
		await asks(visit, "bench", 540);
		await visit.page.setViewportSize({ width: 960, height: 1080 }); // the width is what holds it back now
		await visit.page.setViewportSize({ width: 1920, height: 1080 });
		await asks(visit, "bench", 1080);
		const said = visit.relay.watches.map(({ cameras }) => cameras[0]?.maxLines);
		expect(said).not.toContain(714);
		expect(visit.problems).toEqual([]);
	});

	test("a tile asks for less than the whole page, and opening it asks for all at once", async () => {
		await using visit = await Visit.of(browser, ["bench", "door", "arm", "roof"]);
		await visit.go();
		const tile = await visit.page.locator("[data-camera=door]").evaluate(({ clientHeight }) => clientHeight);
		await visit.relay.heard(() => Math.abs((linesOf(visit, "door") ?? 0) - tile) <= 1, "a tile's lines");
		const lists = visit.relay.watches.length;
		await visit.page.keyboard.press("2");
		await visit.relay.heard(() => visit.relay.watches.length > lists, "the next list");
		expect(visit.relay.watches[lists]?.cameras).toMatchObject([
			{ id: "door", maxLines: 720, isFocused: true },
		]);
	});

	test("on a screen of two pixels each it is twice as many", async () => {
		await using visit = await Visit.of(browser, ["bench"], { deviceScaleFactor: 2 });
		await visit.go();
		expect(linesOf(visit, "bench")).toBe(1440);
	});

	test("a tall picture's lines are those of its short side", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		const source = { width: 720, height: 1280, framesPerSecond: 30 };
		visit.relay.cameras = [cameraStatus("bench", 1, { source })];
		await visit.go();
		expect(linesOf(visit, "bench")).toBe(405);
	});
});

test("in the grid the tile under the pointer or with the focus is the one looked at", async () => {
	await using visit = await Visit.of(browser, ["bench", "door", "arm", "roof"]);
	await visit.go();
	const focused = (...ids: string[]) =>
		visit.relay.heard(
			() => {
				const now = visit.relay.watched?.filter(({ isFocused }) => isFocused).map(({ id }) => id);
				return JSON.stringify(now) === JSON.stringify(ids);
			},
			`${ids.join() || "none"} to be focused`,
		);
	await focused();
	await visit.page.locator("[data-camera=arm]").hover();
	await focused("arm");
	await visit.page.mouse.move(640, 360); // the gap between the tiles
	await focused();
	await visit.page.keyboard.press("ArrowRight");
	await focused("bench");
	expect(visit.relay.watched).toHaveLength(4);
	expect(visit.problems).toEqual([]);
});
