import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { CLOSE } from "#shared/close.ts";
import { LAN_HOST } from "../support/chromium.ts";
import { setVisibility } from "../support/page-conditions.ts";
import { until } from "../support/until.ts";
import type { SentPicture } from "./fake-relay.ts";
import { launch, Visit } from "./page.ts";
import { plain } from "./scenes.ts";

let browser: Browser;
let red: SentPicture;
let blue: SentPicture;

beforeAll(async () => {
	[browser, red, blue] = await Promise.all([launch(), plain("#f00"), plain("#00f")]);
}, 60_000);
afterAll(() => browser?.close());

const isRed = ([r = 0, , b = 0]: number[]) => r > 200 && b < 60;
const isBlue = ([r = 0, , b = 0]: number[]) => b > 200 && r < 60;

describe("a picture's way", () => {
	test("every frame is acknowledged, painted and closed", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		await visit.go();
		for (const picture of [red, blue, red, blue, red]) await visit.show("bench", picture);
		expect(visit.relay.acks.map(({ delivery }) => delivery)).toEqual([0, 1, 2, 3, 4]);
		await visit.reaches("bench", "pictures-open", "0");
		await until(async () => isRed(await visit.middle("bench")), { what: "the last picture on the canvas" });
		expect(await visit.data("bench", "state")).toBe("live");
		expect(visit.problems).toEqual([]);
	});

	test("a burst is acknowledged whole, but only the freshest is shown, and nothing stays open", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		await visit.go();
		for (let i = 0; i < 60; i++) visit.relay.send("bench", i === 59 ? blue : red);
		await until(async () => isBlue(await visit.middle("bench")), { what: "the freshest picture" });
		await visit.relay.heard(() => visit.relay.acks.length === 60, "60 acks");
		const count = async (name: string) => Number(await visit.data("bench", name));
		await until(async () => (await count("replaced")) + (await count("frames")) === 60, {
			what: "every frame to be counted once",
		});
		await visit.reaches("bench", "pictures-open", "0");
		expect(await count("replaced")).toBeGreaterThan(0);
	});

	test("bytes that are no picture are counted, the last good one stays", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		await visit.go();
		await visit.show("bench", red);
		const truncated = blue.body.slice(0, blue.body.length / 2);
		visit.relay.send("bench", { ...blue, body: truncated });
		await visit.reaches("bench", "undecodable", "1");
		expect(isRed(await visit.middle("bench"))).toBe(true);
		await visit.show("bench", blue);
		await until(async () => isBlue(await visit.middle("bench")), { what: "the next good picture" });
		expect(visit.problems).toEqual([]);
	});

	test("the canvas follows the rendition on screen", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		await visit.go();
		await visit.show("bench", red);
		await visit.show("bench", await plain("#00f", 480, 270));
		const canvas = visit.page.locator("canvas");
		await until(async () => (await canvas.evaluate((one) => (one as HTMLCanvasElement).width)) === 480, {
			what: "the canvas to shrink",
		});
	});

	test("the age is true though the relay's clock is an hour ahead, and its stages add up", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		visit.relay.clockAheadMs = 3_600_000;
		await visit.go();
		await visit.page.keyboard.press("i");
		for (let i = 0; i < 5; i++) {
			const captureTime = visit.relay.now() - 300;
			await visit.show("bench", { ...red, header: { captureTime, encodeMs: 100 } });
		}
		const read = async (stat: string) =>
			Number.parseFloat((await visit.page.locator(`[data-stat="${stat}"]`).textContent()) ?? "");
		const [age = 0, ...stages] = await visit.page.locator("[data-stat]").evaluateAll((all) => {
			const value = (stat: string) => all.find((one) => one.getAttribute("data-stat") === stat)?.textContent;
			return ["age", "encode", "uplink", "relay", "downlink", "draw"].map((stat) =>
				Number.parseFloat(value(stat) ?? ""),
			);
		});
		expect(await read("encode")).toBe(100);
		expect(age).toBeGreaterThan(300);
		expect(age).toBeLessThan(2_000); // an hour off would be millions
		expect(stages.reduce((a, b) => a + b, 0)).toBeCloseTo(age, 0);
	});
});

describe("the relay goes away", () => {
	test("the last picture stays, the page says so, and goes on by itself when the relay is back", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		await visit.go();
		await visit.show("bench", red);
		await visit.relay.stop();
		await visit.page.locator('[data-notice="link"]').waitFor();
		expect(await visit.page.locator('[data-notice="link"]').textContent()).toContain("Relay unreachable for");
		await visit.reaches("bench", "state", "frozen");
		expect(isRed(await visit.middle("bench"))).toBe(true);
		const lists = visit.relay.watches.length;
		visit.relay.start();
		await visit.relay.heard(() => visit.relay.watches.length > lists, "the page to be back", 15_000);
		await visit.show("bench", blue);
		expect(await visit.page.locator('[data-notice="link"]').count()).toBe(0);
		await until(async () => isBlue(await visit.middle("bench")), { what: "a new picture" });
		expect(visit.relay.pageLoads).toBe(1);
		expect(visit.problems).toEqual([]);
	}, 30_000);

	test("a relay of another version makes the page reload once, then tells its words", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		await visit.go();
		visit.relay.protocol = 2;
		visit.relay.closeAll(CLOSE.restarting);
		await visit.page.locator('[data-scene="link"]').waitFor();
		expect(await visit.page.locator('[data-scene="link"]').textContent()).toContain("needs an update");
		expect(visit.relay.pageLoads).toBe(2);
	}, 30_000);
});

describe("what is asked for", () => {
	test("nothing while the tab is hidden, everything again when it is back, over the same connection", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		await visit.go();
		await visit.show("bench", red);
		await setVisibility(visit.page, "hidden");
		await visit.relay.heard(() => visit.relay.watched?.length === 0, "an empty list");
		expect(visit.relay.send("bench", red)).toBe(0);
		await setVisibility(visit.page, "visible");
		await visit.relay.heard(() => visit.relay.watched?.length === 1, "the full list");
		await visit.show("bench", blue);
		expect(visit.relay.hellos).toBe(1);
		expect(visit.problems).toEqual([]);
	}, 30_000);

	test("only the tiles in sight", async () => {
		const ids = Array.from({ length: 12 }, (_, i) => `camera-${i}`);
		await using visit = await Visit.of(browser, ids, { width: 390, height: 844 });
		await visit.go();
		await visit.relay.heard(() => (visit.relay.watched?.length ?? 99) < 8, "a shorter list");
		await visit.page.locator('[data-camera="camera-11"]').scrollIntoViewIfNeeded();
		await visit.relay.heard(
			() => visit.relay.watched?.some(({ id }) => id === "camera-11"),
			"the last camera",
		);
		expect(visit.relay.watched?.some(({ id }) => id === "camera-0")).toBe(false);
	});

	test("one camera by its address, by Enter, by number, and all again by Esc or the browser's back", async () => {
		await using visit = await Visit.of(browser, ["bench", "door"]);
		const asks = (...ids: string[]) =>
			visit.relay.heard(
				() => JSON.stringify(visit.relay.watched?.map(({ id }) => id)) === JSON.stringify(ids),
				`only ${ids}`,
			);
		const { keyboard } = visit.page;
		await visit.go("?camera=door");
		await asks("door");
		await keyboard.press("Escape");
		await asks("bench", "door");
		expect(new URL(visit.page.url()).search).toBe("");
		await keyboard.press("ArrowLeft");
		await keyboard.press("Enter");
		await asks("bench");
		expect(new URL(visit.page.url()).search).toBe("?camera=bench");
		await keyboard.press("ArrowRight");
		await asks("door");
		await visit.page.goBack();
		await asks("bench");
		await keyboard.press("g");
		await asks("bench", "door");
		await keyboard.press("2");
		await asks("door");
		expect([visit.relay.hellos, visit.relay.pageLoads]).toEqual([1, 1]);
		expect(visit.problems).toEqual([]);
	});
});

describe("where it runs", () => {
	test("on the page itself where canvases cannot move to a worker", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		await visit.page.addInitScript(() => {
			Reflect.deleteProperty(HTMLCanvasElement.prototype, "transferControlToOffscreen");
		});
		await visit.go();
		for (const picture of [blue, blue, red]) await visit.show("bench", picture);
		await visit.reaches("bench", "pictures-open", "0");
		expect(isRed(await visit.middle("bench"))).toBe(true);
		expect(await visit.page.locator("main").getAttribute("data-path")).toBe("page");
		expect(visit.relay.acks).toHaveLength(3);
		expect(visit.problems).toEqual([]);
	});

	test("on plain http:// of the local network, under a sub-path", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		await visit.page.goto(`http://${LAN_HOST}:${visit.relay.port}/cams/`);
		await visit.relay.heard(() => visit.relay.watched, "a watch list");
		expect(await visit.page.evaluate(() => isSecureContext)).toBe(false);
		await visit.show("bench", red);
		expect(await visit.page.locator("main").getAttribute("data-path")).toBe("worker");
		expect(visit.problems).toEqual([]);
	});

	test("a camera's name and words are text, whatever they are", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		const name = `<img src=x onerror="document.title='run'">`;
		const [camera] = visit.relay.cameras;
		visit.relay.cameras = [{ ...camera!, name, state: "offline", reason: "hung", detail: name }];
		await visit.go();
		await visit.reaches("bench", "state", "offline");
		expect(await visit.page.locator("h2").textContent()).toBe(name);
		expect(await visit.page.title()).toBe(`${name} (offline) · Sightline`);
		expect(visit.problems).toEqual([]);
	});
});
