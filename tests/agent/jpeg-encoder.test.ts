import { describe, expect, test } from "bun:test";
import sharp from "sharp";
import { encodeJpeg } from "../../agent/jpeg-encoder.ts";
import { jpegSize } from "../../agent/jpeg-header.ts";
import { RawFrame } from "../../agent/raw-frame.ts";
import { Scaler } from "../../agent/scaler.ts";

function gradient(width: number, height: number, scaler: Scaler): RawFrame {
	const pixels = Buffer.alloc(width * height * 3);
	for (let y = 0; y < height; y++) {
		for (let x = 0; x < width; x++)
			pixels.set([(x * 255) / width, (y * 255) / height, 60], (y * width + x) * 3);
	}
	return RawFrame.fromPixels(pixels, { width, height, format: "rgb24" }, 0, scaler);
}

describe("JPEG encoder", () => {
	test.each([
		[320, 180],
		[161, 91],
		[640, 360],
	])("makes a 4:2:0 baseline JPEG of %ix%i with the picture's colours", async (width, height) => {
		const scaler = new Scaler();
		using raw = gradient(640, 360, scaler);
		const jpeg = await encodeJpeg(raw, { width, height, quality: 80 });
		expect(jpegSize(jpeg)).toEqual({ width, height });
		expect(await sharp(jpeg).metadata()).toMatchObject({
			format: "jpeg",
			chromaSubsampling: "4:2:0",
			isProgressive: false,
		});
		const { data } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
		const middle = (Math.floor(height / 2) * width + Math.floor(width / 2)) * 3;
		for (const [i, value] of [127, 127, 60].entries()) {
			expect(Math.abs((data[middle + i] ?? 0) - value)).toBeLessThan(10);
		}
	});

	test("quality decides the size", async () => {
		const scaler = new Scaler();
		using raw = gradient(320, 180, scaler);
		const sizes: number[] = [];
		for (const quality of [20, 60, 95]) {
			sizes.push((await encodeJpeg(raw, { width: 320, height: 180, quality })).length);
		}
		expect(sizes).toEqual([...sizes].sort((a, b) => a - b));
	});

	test("a frame may be freed while it is encoded, by several at once", async () => {
		const scaler = new Scaler();
		const raw = gradient(640, 360, scaler);
		const rungs = [
			{ width: 640, height: 360, quality: 50 },
			{ width: 320, height: 180, quality: 40 },
			{ width: 640, height: 360, quality: 80 },
		];
		const encoding = Promise.all(rungs.map((rung) => encodeJpeg(raw, rung)));
		raw.free();
		for (const [i, jpeg] of (await encoding).entries()) {
			expect(jpegSize(jpeg)).toEqual({ width: rungs[i]?.width ?? 0, height: rungs[i]?.height ?? 0 });
		}
		expect(encodeJpeg(raw, { width: 640, height: 360, quality: 50 })).rejects.toThrow("after it was freed");
	});
});
