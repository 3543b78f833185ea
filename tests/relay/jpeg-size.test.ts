import { expect, test } from "bun:test";
import fc from "fast-check";
import sharp from "sharp";
import { jpegSize } from "../../relay/jpeg-size.ts";

test("reads the size of baseline and progressive JPEGs, with metadata before it", async () => {
	const image = sharp({ create: { width: 321, height: 123, channels: 3, background: "#888" } });
	for (const progressive of [false, true]) {
		const bytes = await image.clone().withMetadata({ density: 300 }).jpeg({ progressive }).toBuffer();
		expect(jpegSize(bytes)).toEqual({ width: 321, height: 123 });
	}
});

test("refuses what is cut short, has no start, or is something else", async () => {
	const image = sharp({ create: { width: 32, height: 32, channels: 3, background: "#888" } });
	const jpeg = await image.clone().jpeg().toBuffer();
	expect(jpegSize(jpeg.subarray(0, -1))).toBeNull();
	expect(jpegSize(jpeg.subarray(1))).toBeNull();
	expect(jpegSize(await image.png().toBuffer())).toBeNull();
	expect(jpegSize(new Uint8Array(0))).toBeNull();
	expect(jpegSize(Uint8Array.of(0xff, 0xd8, 0xff, 0xd9))).toBeNull();
});

test("never fails, whatever the bytes", () => {
	const almost = fc
		.uint8Array({ maxLength: 300 })
		.map((middle) => Uint8Array.of(0xff, 0xd8, ...middle, 0xff, 0xd9));
	fc.assert(
		fc.property(almost, (bytes) => {
			const size = jpegSize(bytes);
			expect(size === null || (size.width >= 0 && size.height >= 0)).toBe(true);
		}),
		{ numRuns: 2000 },
	);
});
