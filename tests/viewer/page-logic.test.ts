import { describe, expect, test } from "bun:test";
import type { ShownCamera } from "../../viewer/engine.ts";
import { gridFor } from "../../viewer/grid.ts";
import { actionOf } from "../../viewer/keys.ts";
import { linesFor, steadyLines } from "../../viewer/picture-lines.ts";
import { cameraOf, hrefOf, watchUrl } from "../../viewer/route.ts";
import { type View, watchSet } from "../../viewer/watch-set.ts";
import { cameraStatus } from "./fake-relay.ts";

/** A camera as it is asked for: left to the relay unless said otherwise. */
function shownCamera(id: string, more: Partial<ShownCamera> = {}): ShownCamera {
	return { id, rendition: null, maxLines: null, maxFramesPerSecond: null, isFocused: false, ...more };
}

describe("what the relay is asked for", () => {
	const view: View = {
		cameras: [cameraStatus("bench", 1), cameraStatus("door", 2)],
		open: null,
		pins: { bench: 3 },
		lines: new Map(),
		attended: null,
		offScreen: new Set(),
		isHidden: false,
		kept: new Set<string>(),
	};

	test("everything in sight, each with its choice", () => {
		expect(watchSet(view)).toEqual([shownCamera("bench", { rendition: 3 }), shownCamera("door")]);
	});

	test("only the open camera, even if its tile was out of sight", () => {
		const offScreen = new Set(["door"]);
		expect(watchSet({ ...view, open: "door", offScreen })).toEqual([
			shownCamera("door", { isFocused: true }),
		]);
	});

	test("nothing while hidden, nothing out of sight, nothing unknown", () => {
		expect(watchSet({ ...view, isHidden: true })).toEqual([]);
		expect(watchSet({ ...view, offScreen: new Set(["bench"]) })).toEqual([shownCamera("door")]);
		expect(watchSet({ ...view, open: "garage" })).toEqual([]);
	});

	test("a choice the camera does not offer is left to the relay, unless it has not told what it offers", () => {
		const pins = { bench: 4_000 };
		expect(watchSet({ ...view, pins })[0]).toEqual(shownCamera("bench"));
		const cameras = [cameraStatus("bench", 1, { renditions: [] })];
		expect(watchSet({ ...view, cameras, pins })).toEqual([shownCamera("bench", { rendition: 4_000 })]);
	});

	test("in the size it is shown, and which one is looked at", () => {
		const lines = new Map([["bench", 358]]);
		expect(watchSet({ ...view, lines, attended: "door" })).toEqual([
			shownCamera("bench", { rendition: 3, maxLines: 358 }),
			shownCamera("door", { isFocused: true }),
		]);
		expect(watchSet({ ...view, open: "bench", attended: "door" })[0]?.isFocused).toBe(true);
	});

	test("never more cameras than the wire allows", () => {
		const cameras = Array.from({ length: 70 }, (_, i) => cameraStatus(`camera-${i}`, i));
		expect(watchSet({ ...view, cameras })).toHaveLength(64);
	});
});

describe("addresses", () => {
	test("name the open camera and keep everything else", () => {
		expect(cameraOf("http://lab/cams/?x=1&camera=bench-2")).toBe("bench-2");
		expect(cameraOf("http://lab/?camera=No%20Such")).toBeNull();
		expect(hrefOf("http://lab/cams/?x=1#here", "bench")).toBe("http://lab/cams/?x=1&camera=bench#here");
		expect(hrefOf("http://lab/?camera=bench", null)).toBe("http://lab/");
	});

	test("lead to the relay beside the page", () => {
		expect(watchUrl("http://lab:6732/?camera=a")).toBe("ws://lab:6732/watch");
		expect(watchUrl("https://lab/cams/?camera=a#b")).toBe("wss://lab/cams/watch");
	});
});

describe("the grid", () => {
	const WIDE = 16 / 9;

	test("shows all as large as they fit", () => {
		expect(gridFor(4, { width: 1280, height: 720 }, WIDE)).toMatchObject({ columns: 2 });
		expect(gridFor(2, { width: 1600, height: 500 }, WIDE)).toMatchObject({ columns: 2 });
		expect(gridFor(2, { width: 900, height: 1000 }, WIDE)).toEqual({ columns: 1, tileWidth: 498 * WIDE });
		expect(gridFor(9, { width: 3840, height: 2160 }, WIDE).columns).toBe(3);
	});

	test("takes the whole width of a phone", () => {
		expect(gridFor(4, { width: 390, height: 844 }, WIDE)).toEqual({ columns: 1, tileWidth: 390 });
	});

	test("scrolls rather than show what nobody can see", () => {
		const { columns, tileWidth } = gridFor(60, { width: 1280, height: 720 }, WIDE);
		expect(columns).toBe(4);
		expect(tileWidth).toBeCloseTo(317);
	});
});

test("keys with a modifier belong to the browser", () => {
	const key = (name: string, more = {}) =>
		actionOf({ key: name, ctrlKey: false, metaKey: false, altKey: false, ...more });
	expect(key("f")).toEqual({ is: "fullscreen" });
	expect(key("F")).toEqual({ is: "fullscreen" });
	expect(key("f", { ctrlKey: true })).toBeNull();
	expect(key("3")).toEqual({ is: "camera", index: 2 });
	expect(key("0")).toEqual({ is: "fit" });
	expect(key("ArrowUp", { shiftKey: true })).toEqual({ is: "place", columns: 0, rows: -1 });
	expect(key("constructor")).toBeNull();
});

describe("the lines a picture fills", () => {
	const HD = { width: 1280, height: 720 };

	test("are those of its short side, as large as its box allows, in device pixels", () => {
		expect(linesFor({ width: 1280, height: 720 }, HD, 1)).toBe(720);
		expect(linesFor({ width: 636, height: 2_000 }, HD, 1)).toBe(358);
		expect(linesFor({ width: 390, height: 219.375 }, HD, 3)).toBe(659);
		expect(linesFor({ width: 1280, height: 720 }, { width: 720, height: 1280 }, 1)).toBe(405);
		expect(linesFor({ width: 0, height: 0 }, HD, 2)).toBeNull();
		expect(linesFor({ width: 1e6, height: 1e6 }, HD, 2)).toBe(16_384);
	});

	test("are said again only when they change by more than a twentieth", () => {
		expect(steadyLines(undefined, 700)).toBe(700);
		expect(steadyLines(720, 686)).toBe(720);
		expect(steadyLines(720, 756)).toBe(720);
		expect(steadyLines(720, 683)).toBe(683);
		expect(steadyLines(720, 757)).toBe(757);
	});
});
