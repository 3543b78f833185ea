import { describe, expect, test } from "bun:test";
import { Comebacks } from "../../viewer/comebacks.ts";
import type { Frame } from "../../viewer/connection.ts";
import { pictureName } from "../../viewer/instruments/picture-name.ts";
import { fileSize, stopwatch } from "../../viewer/instruments/words-of-files.ts";
import { arranged, moved } from "../../viewer/order.ts";
import { bandPath, linePath, roundUp } from "../../viewer/plots/plot.ts";
import { BlobFile } from "../../viewer/studio/blob-file.ts";
import { History } from "../../viewer/studio/history.ts";
import type { TileState } from "../../viewer/tile-state.ts";

function frame(captureTime: number, bytes = 10, isKey = true): Frame {
	const header = { captureTime, isKey } as Frame["header"];
	return { header, body: new ArrayBuffer(bytes), receiveTime: captureTime };
}
const times = (frames: Frame[]) => frames.map(({ header }) => header.captureTime);

describe("the history", () => {
	test("keeps the last seconds of each camera, oldest first", () => {
		const history = new History({ ms: 100, bytes: 1_000 });
		for (const time of [0, 50, 100, 150]) history.add("bench", frame(time));
		history.add("door", frame(20));
		expect(times(history.of("bench"))).toEqual([50, 100, 150]);
		expect(times(history.of("door"))).toEqual([20]);
		expect(history.bytes).toBe(40);
	});

	test("never holds more bytes than it may, dropping the oldest of all cameras", () => {
		const history = new History({ ms: 1e6, bytes: 100 });
		history.add("bench", frame(1, 40));
		history.add("door", frame(2, 40));
		history.add("door", frame(3, 40));
		expect(times(history.of("bench"))).toEqual([]);
		expect(history.bytes).toBe(80);
		history.add("door", frame(4, 200));
		expect(history.bytes).toBe(0);
	});

	test("starts with a frame that needs no other", () => {
		const history = new History({ ms: 100, bytes: 1_000 });
		for (const [time, isKey] of [
			[0, true],
			[40, false],
			[80, true],
			[120, false],
		] as const)
			history.add("bench", frame(time, 1, isKey));
		expect(times(history.of("bench"))).toEqual([80, 120]);
	});

	test("leaves out what comes late, and starts anew with another clock or a camera that left", () => {
		const history = new History({ ms: 1e6, bytes: 1_000 });
		for (const time of [9_000, 9_040, 9_020]) history.add("bench", frame(time));
		expect(times(history.of("bench"))).toEqual([9_000, 9_040]);
		history.add("bench", frame(100));
		expect(times(history.of("bench"))).toEqual([100]);
		history.keepOnly(new Set(["door"]));
		expect([history.of("bench"), history.bytes]).toEqual([[], 0]);
	});
});

describe("an order of one's own", () => {
	const cameras = ["a", "b", "c", "d"].map((id) => ({ id }));
	const ids = (order: string[]) =>
		arranged(cameras, order)
			.map(({ id }) => id)
			.join("");

	test("is kept, whatever the relay's order is", () => {
		expect(ids([])).toBe("abcd");
		expect(ids(["d", "c", "b", "a"])).toBe("dcba");
	});

	test("a camera nobody moved stays behind the one it followed", () => {
		expect(ids(["d", "b", "a"])).toBe("dbca");
		expect(ids(["gone", "b", "a"])).toBe("bcda");
	});

	test("moving stops at the ends", () => {
		expect(moved(["a", "b", "c"], "a", 1)).toEqual(["b", "a", "c"]);
		expect(moved(["a", "b", "c"], "a", 9)).toEqual(["b", "c", "a"]);
		expect(moved(["a", "b", "c"], "c", -1)).toEqual(["c", "a", "b"]);
	});
});

test("a file's name tells camera and time, and no file system refuses it", () => {
	const time = new Date(2026, 10, 2, 3, 4, 5, 6).getTime();
	expect(pictureName("Bench 2", time, "jpg")).toBe("Bench 2 2026-11-02 03.04.05.006.jpg");
	expect(pictureName('../a:b*"c"\n', time, "mp4")).toBe(".. a b c 2026-11-02 03.04.05.006.mp4");
	expect(pictureName("//", time, "mp4")).toStartWith("camera ");
});

test("times and sizes of recordings are short", () => {
	expect([7_400, 750_000, 3_723_000].map(stopwatch)).toEqual(["0:07", "12:30", "1:02:03"]);
	expect([840_000, 12_430_000, 1_200_000_000].map(fileSize)).toEqual(["840 kB", "12.4 MB", "1.2 GB"]);
});

test("a file written in pieces is one, with what was written anew in its place", async () => {
	const file = new BlobFile();
	const bytes = (text: string) => new TextEncoder().encode(text);
	file.write(0, bytes("head????"));
	file.write(8, bytes("body"));
	file.write(4, bytes("1234"));
	expect(await file.finish("text/plain").text()).toBe("head1234body");
	expect(() => file.write(99, bytes("x"))).toThrow("gap");
});

describe("a plot", () => {
	const FRAME = { now: 100, spanMs: 100, max: 10, width: 100, height: 10 };
	test("has the newest at its right end and breaks where nothing was", () => {
		const points = [
			{ time: 0, value: 0 },
			{ time: 50, value: 10 },
			{ time: 60, value: null },
			{ time: 100, value: 5 },
		];
		expect(linePath(points, FRAME)).toBe("M0.0 10.0L50.0 0.0M100.0 5.0");
	});

	test("fills what lies between two lines", () => {
		const line = (value: number) => [0, 100].map((time) => ({ time, value }));
		expect(bandPath(line(0), line(5), FRAME)).toBe("M0.0 5.0L100.0 5.0L100.0 10.0L0.0 10.0Z");
	});

	test("has a scale that ends on a round number", () => {
		expect([0, 0.3, 1, 17, 51, 4.9e6].map(roundUp)).toEqual([1, 0.5, 1, 20, 100, 5e6]);
	});
});

test("a camera is back when it shows a picture again after it was missed", () => {
	const comebacks = new Comebacks();
	const look = (state: TileState, now: number) => comebacks.look(new Map([["bench", state]]), now);
	const live: TileState = { is: "live", ageMs: 40, freshness: "calm" };
	expect(look(live, 0)).toEqual([]);
	expect(look({ is: "frozen", since: 1_000 }, 2_000)).toEqual([]);
	expect(look({ is: "offline", since: 3_000, reason: null, detail: null }, 4_000)).toEqual([]);
	expect(look({ is: "opening", since: 8_000, isLong: false }, 8_000)).toEqual([]);
	expect(look(live, 9_000)).toEqual([{ camera: "bench", awayMs: 8_000 }]);
	expect(look(live, 9_250)).toEqual([]);
	expect(look({ is: "frozen", since: 10_000 }, 10_500)).toEqual([]);
	expect(look(live, 11_000)).toEqual([]); // too short to be missed
});
