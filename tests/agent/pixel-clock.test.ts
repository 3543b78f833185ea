import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { drawPixelClock, pixelClockAge, readPixelClock } from "#shared/pixel-clock.ts";

const times = fc.integer({ min: 0, max: 2 ** 43 });
const sizes = fc.record({
	width: fc.integer({ min: 160, max: 700 }),
	height: fc.integer({ min: 120, max: 500 }),
	channels: fc.constantFrom(1, 3, 4) as fc.Arbitrary<1 | 3 | 4>,
});

describe("pixel clock", () => {
	test("reads back the low 32 bits of any time, at any size, as luma, RGB and RGBA", () => {
		fc.assert(
			fc.property(times, sizes, (time, picture) => {
				const pixels = new Uint8Array(picture.width * picture.height * picture.channels).fill(90);
				drawPixelClock(pixels, picture, time + 0.7);
				expect(readPixelClock(pixels, picture)).toBe(time % 2 ** 32);
			}),
			{ numRuns: 60 },
		);
	});

	test("reads null from a picture without a clock or with a damaged one", () => {
		const picture = { width: 320, height: 180, channels: 3 } as const;
		const pixels = new Uint8Array(320 * 180 * 3);
		expect(readPixelClock(pixels, picture)).toBeNull();
		for (let i = 0; i < pixels.length; i++) pixels[i] = (i * 2654435761) >>> 24;
		expect(readPixelClock(pixels, picture)).toBeNull();
		drawPixelClock(pixels, picture, 0x12345678);
		const other = pixels.slice();
		drawPixelClock(other, picture, 0x23456789);
		const lastRow = 170 * 320 * 3; // of the two: the low bits and the checksum
		pixels.set(other.subarray(lastRow), lastRow);
		expect(readPixelClock(pixels, picture)).toBeNull();
	});

	test("age is right across the wrap of 32 bits, in both directions", () => {
		const now = 407 * 2 ** 32 + 20;
		expect(pixelClockAge(20, now)).toBe(0);
		expect(pixelClockAge(2 ** 32 - 30, now)).toBe(50);
		expect(pixelClockAge(25.0, now)).toBe(-5);
	});
});
