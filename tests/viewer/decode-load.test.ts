import { describe, expect, test } from "bun:test";
import type { Codec } from "#shared/frame.ts";
import { DecodeLoad, narrowed } from "../../viewer/decode-load.ts";
import { watchedCamera } from "./fake-relay.ts";

const RUNGS = [180, 270, 360, 720, 720];

/** A browser that decodes `pixelMs` per megapixel, and a relay that keeps to what it asks for. */
class Bench {
	readonly load = new DecodeLoad();
	now = 0;
	changes = 0;
	pixelMs: number;
	codec: Codec;

	constructor(pixelMs: number, codec: Codec = "jpeg") {
		this.pixelMs = pixelMs;
		this.codec = codec;
	}

	run(seconds: number, framesPerSecond = 30): this {
		const end = this.now + seconds * 1_000;
		while (this.now < end) {
			const { maxFramesPerSecond, maxLines } = this.load.caps;
			const height = Math.min(720, maxLines ?? 720);
			const width = (height * 16) / 9;
			this.now += 1_000 / Math.min(framesPerSecond, maxFramesPerSecond ?? framesPerSecond);
			this.load.received({ codec: this.codec, isCached: false, captureTime: this.now, width, height });
			this.load.decoded(this.now, (this.pixelMs * width * height) / 1e6);
			if (this.load.decide(this.now, RUNGS)) this.changes++;
		}
		return this;
	}

	get caps() {
		const { maxFramesPerSecond, maxLines } = this.load.caps;
		return [maxFramesPerSecond, maxLines];
	}
}

describe("a browser that decodes too slowly", () => {
	test("gets half the frames after three seconds, not before", () => {
		const bench = new Bench(27).run(2.9); // 25 of 33 ms
		expect(bench.caps).toEqual([null, null]);
		expect(bench.run(0.5).caps).toEqual([15, null]);
	});

	test("then fewer lines, one step at a time, until it manages", () => {
		const bench = new Bench(80).run(5); // 74 ms a frame: too slow for half the frames as well
		expect(bench.caps).toEqual([15, null]);
		expect(bench.run(3).caps).toEqual([15, 360]);
		expect(bench.run(60).caps).toEqual([15, 360]);
	});

	test("does not swing: what did not work before is not tried again", () => {
		expect(new Bench(27).run(300).changes).toBe(1);
		expect(new Bench(80).run(300).changes).toBe(2);
	});

	test("gets everything back once there is room, after twenty seconds each", () => {
		const bench = new Bench(80).run(10);
		bench.pixelMs = 5;
		expect(bench.run(19).caps).toEqual([15, 360]);
		expect(bench.run(3).caps).toEqual([15, null]);
		expect(bench.run(22).caps).toEqual([null, null]);
	});

	test("a hiccup changes nothing", () => {
		const bench = new Bench(10).run(10);
		bench.pixelMs = 100;
		bench.run(2);
		bench.pixelMs = 10;
		expect(bench.run(60).changes).toBe(0);
	});
});

describe("a browser that decodes H.264 too slowly", () => {
	test("gets fewer lines at once, never fewer frames: each builds on the one before", () => {
		const bench = new Bench(27, "h264").run(3.5);
		expect(bench.caps).toEqual([null, 360]);
		expect(bench.run(60).caps).toEqual([null, 360]);
	});

	test("goes down a rung without waiting when its decoder had to give up frames", () => {
		const bench = new Bench(5, "h264").run(1);
		bench.load.behind();
		expect(bench.run(0.1).caps).toEqual([null, 360]);
	});

	test("stays on the lowest rung, there is nothing else to take away", () => {
		expect(new Bench(500, "h264").run(60).caps).toEqual([null, 180]);
	});

	test("what it managed says nothing about another codec", () => {
		const bench = new Bench(27, "h264").run(5);
		bench.codec = "jpeg";
		bench.pixelMs = 5;
		expect(bench.run(0.1).caps).toEqual([null, null]);
	});
});

describe.each([1, 10, 25, 60])("a camera of %d frames a second", (framesPerSecond) => {
	test("is measured by its own interval", () => {
		const fits = (0.6 * 1_000) / framesPerSecond / 0.9216;
		expect(new Bench(fits).run(60, framesPerSecond).changes).toBe(0);
		const tooMuch = (0.75 * 1_000) / framesPerSecond / 0.9216;
		expect(new Bench(tooMuch).run(60, framesPerSecond).changes).toBe(framesPerSecond === 1 ? 0 : 1);
	});
});

test("after a pause nothing is known, the caps stay", () => {
	const bench = new Bench(27).run(5);
	bench.load.reset();
	bench.now += 600_000;
	expect(bench.load.decide(bench.now, RUNGS)).toBe(false);
	expect(bench.caps).toEqual([15, null]);
});

test("what is asked for is the lesser of what fits and what is managed", () => {
	const camera = watchedCamera("bench", { maxLines: 500 });
	expect(narrowed(camera, { maxFramesPerSecond: null, maxLines: null })).toEqual(camera);
	expect(narrowed(camera, { maxFramesPerSecond: 15, maxLines: 360 })).toMatchObject({
		maxFramesPerSecond: 15,
		maxLines: 360,
	});
	expect(narrowed(camera, { maxFramesPerSecond: null, maxLines: 720 }).maxLines).toBe(500);
	expect(narrowed({ ...camera, maxLines: null }, { maxFramesPerSecond: null, maxLines: 720 }).maxLines).toBe(
		720,
	);
});
