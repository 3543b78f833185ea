import { describe, expect, test } from "bun:test";
import sharp from "sharp";
import { localNow } from "#shared/clock.ts";
import { pixelClockAge, readPixelClock } from "#shared/pixel-clock.ts";
import { encodeJpeg } from "../../agent/jpeg-encoder.ts";
import { openSource } from "../../agent/source.ts";
import { parseSource } from "../../agent/source-spec.ts";
import { Audience } from "./audience.ts";

async function clockOf(jpeg: Buffer): Promise<number | null> {
	const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
	return readPixelClock(data, { width: info.width, height: info.height, channels: 3 });
}

describe("test card", () => {
	test.each([
		["test:", 320, 180],
		["test:", 1280, 720],
		["test:?size=1920x1080", 320, 180],
		["test:?size=160x120", 160, 120],
		["test:?size=641x363", 320, 180],
		["test:?size=480x640", 180, 240],
	])("%s shows its capture time in a JPEG of %ix%i at quality 30", async (text, width, height) => {
		const source = openSource(parseSource(text), new Audience());
		const watching = new AbortController();
		for await (const raw of source.frames(watching.signal)) {
			const time = await clockOf(await encodeJpeg(raw, { width, height, quality: 30 }));
			expect(time).toBe(Math.floor(raw.captureTime) % 2 ** 32);
			expect(Math.abs(pixelClockAge(time ?? 0, raw.captureTime))).toBeLessThan(1);
			raw.free();
			watching.abort();
		}
	});

	test("tells its format once and keeps its pace without drift", async () => {
		const audience = new Audience();
		const source = openSource(parseSource("test:?size=320x180&fps=50"), audience);
		const watching = new AbortController();
		const times: number[] = [];
		for await (const raw of source.frames(watching.signal)) {
			times.push(raw.captureTime);
			raw.free();
			if (times.length === 40) watching.abort();
		}
		expect(audience.formats).toEqual([{ width: 320, height: 180, framesPerSecond: 50, ownQuality: null }]);
		// Frames left out on a busy machine leave whole intervals: every frame still stands on the grid of 20 ms.
		const phases = times
			.map((time) => (((time - (times[0] ?? 0) + 10) % 20) + 20) % 20)
			.sort((a, b) => a - b);
		expect(Math.abs((phases[20] ?? 0) - 10)).toBeLessThan(5);
		expect(times).toEqual([...times].sort((a, b) => a - b));
	});

	test("a slow consumer gets the newest frame, never a queue", async () => {
		const source = openSource(parseSource("test:?size=160x120&fps=60"), new Audience());
		const watching = new AbortController();
		let frames = 0;
		for await (const raw of source.frames(watching.signal)) {
			if (frames++ > 0) expect(localNow() - raw.captureTime).toBeLessThan(60);
			raw.free();
			await Bun.sleep(100); // the slowness itself
			if (frames === 4) watching.abort();
		}
		expect(source.replaced).toBeGreaterThanOrEqual(6);
	});

	test("draws nothing while nobody watches, and at once when somebody does", async () => {
		const audience = new Audience(false);
		const source = openSource(parseSource("test:?size=160x120&fps=30"), audience);
		const watching = new AbortController();
		const frames = source.frames(watching.signal);
		const first = frames.next();
		await Bun.sleep(150); // five frames' time in which none may come
		expect(await Promise.race([first, Promise.resolve("none yet")])).toBe("none yet");
		const wantedTime = localNow();
		audience.watching = true;
		const { value: raw } = await first;
		expect(raw?.captureTime).toBeGreaterThan(wantedTime);
		expect(localNow() - wantedTime).toBeLessThan(100);
		raw?.free();
		watching.abort();
		expect((await frames.next()).done).toBe(true);
	});
});
