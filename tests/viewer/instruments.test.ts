import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { join } from "node:path";
import type { Browser, Download } from "playwright-core";
import sharp from "sharp";
import { LAN_HOST } from "../support/chromium.ts";
import { readFilm } from "../support/film.ts";
import { setVisibility } from "../support/page-conditions.ts";
import { until } from "../support/until.ts";
import type { SentPicture } from "./fake-relay.ts";
import { look } from "./looks.ts";
import { launch, OUT, Visit } from "./page.ts";
import { plain, swingingArm } from "./scenes.ts";

let browser: Browser;
let red: SentPicture;
let blue: SentPicture;
let small: SentPicture;
let scene: SentPicture[];

beforeAll(async () => {
	[browser, red, blue, small, scene] = await Promise.all([
		launch(),
		plain("#f00"),
		plain("#00f"),
		plain("#00f", 480, 270),
		swingingArm(30),
	]);
}, 60_000);
afterAll(() => browser?.close());

const isRed = ([r = 0, , b = 0]: number[]) => r > 200 && b < 60;
const isBlue = ([r = 0, , b = 0]: number[]) => b > 200 && r < 60;

async function saved(download: Download): Promise<string> {
	const path = join(OUT, download.suggestedFilename());
	await download.saveAs(path);
	return path;
}

/** One camera alone, with a first picture captured when the test says, or now. */
async function open(view = {}, captureTime?: number): Promise<Visit> {
	const visit = await Visit.of(browser, ["bench"], view);
	await visit.go();
	await visit.show("bench", captureTime === undefined ? red : { ...red, header: { captureTime } });
	return visit;
}

describe("zoom", () => {
	const zoomOf = async (visit: Visit) => Number(await visit.data("bench", "zoom"));
	const lines = (visit: Visit) => visit.relay.watched?.[0]?.maxLines ?? 0;

	test("by wheel, keys and double click; asks for the pixels it shows", async () => {
		await using visit = await open();
		const { page, relay } = visit;
		expect(lines(visit)).toBe(720);
		await page.mouse.move(900, 200);
		await page.mouse.wheel(0, -500);
		await until(async () => (await zoomOf(visit)) > 2, { what: "a zoom by wheel" });
		await relay.heard(() => lines(visit) > 1_440, "a wish for more lines");
		expect(relay.hellos).toBe(1);
		await page.keyboard.press("0");
		await visit.reaches("bench", "zoom", "1.00");
		await relay.heard(() => lines(visit) === 720, "the usual wish");
		await page.keyboard.press("+");
		await visit.reaches("bench", "zoom", "1.40");
		await page.keyboard.press("-");
		await visit.reaches("bench", "zoom", "1.00");
		await page.mouse.dblclick(900, 200);
		await visit.reaches("bench", "zoom", "2.50");
		expect(await look(page, "zoomed-desktop")).toEqual([]);
		await page.getByRole("button", { name: "Show the whole picture" }).click();
		await visit.reaches("bench", "zoom", "1.00");
		expect(visit.problems).toEqual([]);
	});

	test("drags and arrow keys look around, never past the edge", async () => {
		await using visit = await open();
		const { page } = visit;
		const place = () => page.locator("canvas").evaluate((canvas) => (canvas as HTMLElement).style.transform);
		await page.mouse.dblclick(640, 360);
		await visit.reaches("bench", "zoom", "2.50");
		const before = await place();
		await page.mouse.move(640, 360);
		await page.mouse.down();
		await page.mouse.move(600, 330, { steps: 4 });
		await page.mouse.up();
		await until(async () => (await place()) !== before, { what: "the picture to move" });
		for (let i = 0; i < 12; i++) await page.keyboard.press("ArrowRight");
		await page.keyboard.press("ArrowDown");
		const rightEdge = await page.locator("canvas").evaluate((canvas) => canvas.getBoundingClientRect().right);
		expect(rightEdge).toBeCloseTo(1280, 0);
		expect(visit.problems).toEqual([]);
	});

	test("by two fingers", async () => {
		await using visit = await open({ width: 390, height: 844, hasTouch: true });
		const session = await visit.page.context().newCDPSession(visit.page);
		const touch = (type: "touchStart" | "touchMove" | "touchEnd", apart: number) =>
			session.send("Input.dispatchTouchEvent", {
				type,
				touchPoints:
					type === "touchEnd" ? [] : [-1, 1].map((side, id) => ({ x: 195 + (side * apart) / 2, y: 380, id })),
			});
		await touch("touchStart", 60);
		for (const apart of [80, 100, 120]) await touch("touchMove", apart);
		await touch("touchEnd", 0);
		await until(async () => Math.abs((await zoomOf(visit)) - 2) < 0.1, { what: "a zoom of two" });
		expect(await look(visit.page, "zoomed-phone")).toEqual([]);
		expect(visit.problems).toEqual([]);
	});
});

test("a snapshot is the whole picture in its decoded size, named by camera and capture", async () => {
	const captureTime = new Date(2026, 10, 2, 3, 4, 5, 6).getTime();
	await using visit = await open({}, captureTime - 40);
	const { page } = visit;
	await page.mouse.dblclick(640, 360); // what is looked at closely is kept whole
	await visit.show("bench", { ...blue, header: { captureTime } });
	const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("s")]);
	expect(download.suggestedFilename()).toMatch(/^Bench 2026-11-02 03\.04\.0[456]\.\d{3}\.jpg$/);
	const image = sharp(await saved(download));
	expect(await image.metadata()).toMatchObject({ format: "jpeg", width: 1280, height: 720 });
	const { channels } = await image.stats();
	expect(isBlue(channels.map(({ mean }) => mean))).toBe(true);
	await page.locator("[data-pill=message]", { hasText: "Saved Bench" }).waitFor();
	expect(visit.problems).toEqual([]);
});

test("a floating window shows new pictures, also while the page is hidden", async () => {
	await using visit = await open();
	using _playing = visit.play(new Map([["bench", scene]]));
	const { page } = visit;
	await page.keyboard.press("p");
	await page.waitForFunction(() => document.pictureInPictureElement);
	await page.locator("[data-control=float][aria-pressed=true]").waitFor();
	const pictures = () =>
		page.evaluate(
			() => (document.pictureInPictureElement as HTMLVideoElement).getVideoPlaybackQuality().totalVideoFrames,
		);
	const next = async (what: string) => {
		const before = await pictures();
		await until(async () => (await pictures()) > before + 5, { what, timeoutMs: 10_000 });
	};
	await next("pictures in the window");
	expect(await page.evaluate(() => (document.pictureInPictureElement as HTMLVideoElement).videoWidth)).toBe(
		1280,
	);
	await setVisibility(page, "hidden");
	await next("pictures while hidden");
	expect(visit.relay.watched?.length).toBe(1);
	await page.evaluate(() => document.exitPictureInPicture());
	await visit.relay.heard(() => visit.relay.watched?.length === 0, "an empty list");
	expect(visit.problems).toEqual([]);
}, 30_000);

test("a floating window that gets no picture is closed by the same key, and asks for nothing more", async () => {
	await using visit = await open();
	const { page, relay } = visit;
	await page.keyboard.press("p");
	await page.locator("[data-control=float][aria-pressed=true]").waitFor();
	await setVisibility(page, "hidden"); // from here on only the window wants pictures
	expect(relay.watched).toMatchObject([{ id: "bench" }]);
	await page.keyboard.press("p");
	await relay.heard(() => relay.watched?.length === 0, "an empty list");
	await setVisibility(page, "visible");
	await page.locator("[data-control=float][aria-pressed=false]").waitFor();
	using _playing = visit.play(new Map([["bench", scene]]));
	await page.keyboard.press("p");
	await page.waitForFunction(() => document.pictureInPictureElement);
	await page.keyboard.press("p");
	await page.waitForFunction(() => !document.pictureInPictureElement);
	await page.locator("[data-control=float][aria-pressed=false]").waitFor();
	expect(visit.problems).toEqual([]);
}, 30_000);

describe("looking back", () => {
	test("shows exactly what was at a time, over the present that goes on; one key leads back", async () => {
		const start = Date.now() - 2_000;
		await using visit = await open({}, start);
		const { page, relay } = visit;
		for (let i = 1; i < 10; i++)
			await visit.show("bench", { ...(i < 5 ? red : blue), header: { captureTime: start + i * 100 } });
		const past = () =>
			page.locator("[data-replay] canvas").evaluate((canvas) => {
				const copy = Object.assign(document.createElement("canvas"), { width: 1, height: 1 });
				const context = copy.getContext("2d")!;
				context.drawImage(canvas as HTMLCanvasElement, 0, 0, 1, 1);
				return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
			});
		const at = async (i: number) => {
			const time = String(start + i * 100);
			await page.locator(`[data-replay-time="${time}"]`).waitFor();
		};
		await page.keyboard.press("Space");
		await page.locator("[data-replay=held]").waitFor();
		await at(9);
		await until(async () => isBlue(await past()), { what: "the newest picture, held" });
		for (let i = 0; i < 5; i++) await page.getByRole("button", { name: "Picture before" }).click();
		await at(4);
		await until(async () => isRed(await past()), { what: "an earlier picture" });
		await visit.show("bench", blue); // the present goes on beneath
		await page.getByRole("slider").fill(String(start + 730));
		await at(7);
		await until(async () => isBlue(await past()), { what: "the picture at that time" });
		expect(await look(page, "replay-desktop")).toEqual([]);
		await page.getByRole("button", { name: "Play" }).focus(); // the scale has arrows of its own
		await page.keyboard.press("ArrowLeft");
		await at(0); // a second before, or the first there is
		await until(async () => isRed(await past()), { what: "the first picture" });
		const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("s")]);
		const { channels } = await sharp(await saved(download)).stats();
		expect(isRed(channels.map(({ mean }) => mean))).toBe(true); // of the past, not of the present
		await page.keyboard.press("l");
		await page.locator("[data-replay]").waitFor({ state: "detached" });
		await page.locator("[data-control=pause]:focus").waitFor();
		expect(relay.hellos).toBe(1);
		expect(visit.problems).toEqual([]);
	});

	test("plays at its own pace and stops at its end", async () => {
		const start = Date.now() - 5_000;
		await using visit = await open({ width: 390, height: 844, hasTouch: true }, start);
		const { page } = visit;
		for (let i = 1; i <= 5; i++)
			await visit.show("bench", { ...scene[i]!, header: { captureTime: start + i * 200 } });
		await page.evaluate(() => {
			const seen: number[] = [];
			Object.assign(globalThis, { seen });
			new MutationObserver(() => {
				const time = document.querySelector<HTMLElement>("[data-replay-time]")?.dataset.replayTime;
				if (time && seen.at(-1) !== Number(time)) seen.push(Number(time));
			}).observe(document.body, { subtree: true, childList: true, attributes: true });
		});
		await page.keyboard.press("l");
		await page.locator("[data-replay=playing]").waitFor();
		expect(await look(page, "replay-phone")).toEqual([]);
		await page.locator(`[data-replay=held][data-replay-time="${start + 1_000}"]`).waitFor();
		const seen = (await page.evaluate("seen")) as number[];
		expect(seen).toEqual(seen.toSorted((a, b) => a - b));
		expect(seen.length).toBeGreaterThan(2);
		await page.getByRole("button", { name: "Live" }).click();
		await page.locator("[data-replay]").waitFor({ state: "detached" });
		expect(visit.problems).toEqual([]);
	});

	test("says so when there is nothing yet", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		await visit.go();
		await visit.page.keyboard.press("l");
		await visit.page.locator("[data-pill=message]", { hasText: "nothing to look back at" }).waitFor();
		expect(await visit.page.locator("[data-replay]").count()).toBe(0);
	});
});

describe("a recording", () => {
	test("is an MP4 of every picture at its capture's time, in one size though renditions change", async () => {
		const start = Date.now() - 10_000;
		await using visit = await open({}, start - 40);
		const { page } = visit;
		await page.keyboard.press("r");
		await page.locator("[data-pill=recording]").waitFor();
		// The encoder is there when time goes on; pictures sent before are none of the recording's.
		let count = 0;
		const send = () =>
			visit.show("bench", {
				...(count % 10 < 5 ? scene[count % scene.length]! : small),
				header: { captureTime: start + count++ * 40 },
			});
		const time = page.locator("[data-recorded=time]");
		while (count < 30 || (await time.textContent()) === "0:00") await send();
		for (let i = 0; i < 15; i++) await send();
		expect(await page.locator("[data-recorded=size]").textContent()).toMatch(/^[1-9]\d* kB$|MB$/);
		expect(await page.title()).toStartWith("● Bench");
		expect(await look(page, "recording-desktop")).toEqual([]);
		const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("r")]);
		expect(download.suggestedFilename()).toMatch(/^Bench \d{4}-\d\d-\d\d \d\d\.\d\d\.\d\d\.\d{3}\.mp4$/);
		const film = await readFilm(await saved(download));
		expect(film).toMatchObject({ codec: "h264", width: 1280, height: 720 });
		expect(film.format).toContain("mp4");
		expect(film.frames).toBe(film.times.length);
		expect(film.frames).toBeGreaterThan(count - 20);
		const gaps = film.times.slice(1).map((to, i) => Math.round(to - film.times[i]!));
		expect(new Set(gaps)).toEqual(new Set([40]));
		expect(Math.abs(film.durationMs - film.frames * 40)).toBeLessThan(40);
		await page.locator("[data-pill=message]", { hasText: "Saved Bench" }).waitFor();
		expect(await page.locator("[data-pill=recording]").count()).toBe(0);
		expect(visit.problems).toEqual([]);
	}, 60_000);

	test("goes on while another camera is looked at, and while the page is hidden", async () => {
		await using visit = await Visit.of(browser, ["bench", "door"]);
		using _playing = visit.play(new Map([["bench", scene]]));
		const { page, relay } = visit;
		await visit.go("?camera=bench");
		await visit.reaches("bench", "state", "live");
		await page.keyboard.press("r");
		await page.locator("[data-pill=recording]").waitFor();
		await page.keyboard.press("2");
		await relay.heard(() => relay.watched?.length === 2, "both cameras");
		await setVisibility(page, "hidden");
		await relay.heard(
			() => relay.watched?.map(({ id }) => id).join() === "bench",
			"the recorded camera alone",
		);
		const { sent } = relay;
		await relay.heard(() => relay.sent > sent + 20, "pictures while hidden");
		await setVisibility(page, "visible");
		const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("r")]);
		expect((await readFilm(await saved(download))).frames).toBeGreaterThan(15);
		expect(visit.problems).toEqual([]);
	}, 60_000);

	test("is made by the browser's own recorder where the page is not secure", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		using _playing = visit.play(new Map([["bench", [...scene.slice(0, 12), small, small, small]]]));
		const { page, relay } = visit;
		await page.goto(`http://${LAN_HOST}:${relay.port}/`);
		await visit.reaches("bench", "state", "live");
		await page.keyboard.press("r");
		await page.locator("[data-recorded=time]", { hasText: /0:0[1-9]/ }).waitFor();
		const [download] = await Promise.all([page.waitForEvent("download"), page.keyboard.press("r")]);
		const film = await readFilm(await saved(download));
		expect(film).toMatchObject({ width: 1280, height: 720 });
		expect(film.frames).toBeGreaterThan(5);
		expect(visit.problems).toEqual([]);
	}, 60_000);

	test("of a camera that sends nothing says so, secure or not", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		const { page, relay } = visit;
		for (const host of ["127.0.0.1", LAN_HOST]) {
			await page.goto(`http://${host}:${relay.port}/`);
			await page.locator("[data-control=record]").waitFor({ state: "attached" });
			await page.keyboard.press("r");
			await page.locator("[data-pill=recording]").waitFor();
			await page.keyboard.press("r");
			await page.locator("[data-pill=message]", { hasText: "Nothing was recorded" }).waitFor();
			expect(await page.locator("[data-pill=recording]").count()).toBe(0);
		}
		expect(visit.problems).toEqual([]);
	});
});
