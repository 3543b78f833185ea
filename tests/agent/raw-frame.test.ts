import { describe, expect, test } from "bun:test";
import {
	AV_PIX_FMT_YUV420P,
	AV_PIX_FMT_YUVJ422P,
	AVCOL_RANGE_JPEG,
	AVCOL_RANGE_MPEG,
	AVCOL_SPC_BT470BG,
	AVCOL_SPC_BT709,
	type AVPixelFormat,
	Frame,
} from "node-av";
import { RawFrame } from "../../agent/raw-frame.ts";
import { Scaler } from "../../agent/scaler.ts";

const RED = { y: 76, u: 85, v: 255 }; // full-range BT.601

function planar(
	format: AVPixelFormat,
	size: { width: number; height: number },
	colour: { y: number; u: number; v: number },
): Frame {
	const frame = new Frame();
	frame.alloc();
	frame.width = size.width;
	frame.height = size.height;
	frame.format = format;
	frame.getBuffer();
	const [y, u, v] = frame.data ?? [];
	y?.fill(colour.y);
	u?.fill(colour.u);
	v?.fill(colour.v);
	return frame;
}

async function corners(frame: Frame, size: { width: number; height: number }): Promise<number[][]> {
	const scaler = new Scaler();
	const raw = new RawFrame(frame, 0, scaler);
	const pixels = await raw.rgb(size);
	expect(pixels.length).toBe(size.width * size.height * 3);
	const shown = [[...pixels.subarray(0, 3)], [...pixels.subarray(-3)]];
	raw.free();
	scaler.close();
	return shown;
}

function expectNear(shown: number[][], colour: number[]): void {
	for (const pixel of shown) {
		for (const [i, value] of pixel.entries())
			expect(Math.abs(value - (colour[i] ?? 0))).toBeLessThanOrEqual(4);
	}
}

describe("raw frame", () => {
	const sizes = [
		{ width: 64, height: 48 },
		{ width: 33, height: 27 },
		{ width: 17, height: 9 },
	];

	test.each(sizes)("full-range planes keep black, white and colours, at %o", async (size) => {
		const source = { width: 65, height: 49 };
		expectNear(await corners(planar(AV_PIX_FMT_YUVJ422P, source, RED), size), [255, 0, 0]);
		expectNear(
			await corners(planar(AV_PIX_FMT_YUVJ422P, source, { y: 255, u: 128, v: 128 }), size),
			[255, 255, 255],
		);
		expectNear(
			await corners(planar(AV_PIX_FMT_YUVJ422P, source, { y: 16, u: 128, v: 128 }), size),
			[16, 16, 16],
		);
	});

	test.each(sizes)("limited-range planes are stretched, at %o", async (size) => {
		const source = { width: 64, height: 48 };
		expectNear(await corners(planar(AV_PIX_FMT_YUV420P, source, { y: 16, u: 128, v: 128 }), size), [0, 0, 0]);
		expectNear(
			await corners(planar(AV_PIX_FMT_YUV420P, source, { y: 235, u: 128, v: 128 }), size),
			[255, 255, 255],
		);
	});

	test("range and matrix stated by the frame are followed", async () => {
		const size = { width: 64, height: 48 };
		const full = planar(AV_PIX_FMT_YUV420P, size, RED);
		full.colorRange = AVCOL_RANGE_JPEG;
		expectNear(await corners(full, size), [255, 0, 0]);
		const hd = planar(AV_PIX_FMT_YUV420P, size, { y: 63, u: 102, v: 240 }); // red in limited-range BT.709
		hd.colorSpace = AVCOL_SPC_BT709;
		expectNear(await corners(hd, size), [255, 0, 0]);
	});

	test("is built from RGB24 bytes, which may change afterwards", async () => {
		const scaler = new Scaler();
		const bytes = Buffer.alloc(31 * 17 * 3, 77);
		const raw = RawFrame.fromPixels(bytes, { width: 31, height: 17, format: "rgb24" }, 5, scaler);
		bytes.fill(0);
		expect((await raw.rgb({ width: 31, height: 17 })).every((value) => value === 77)).toBe(true);
		expect(raw).toMatchObject({ width: 31, height: 17, captureTime: 5 });
		raw.free();
		scaler.close();
		const layout = { width: 32, height: 17, format: "rgb24" } as const;
		expect(() => RawFrame.fromPixels(bytes, layout, 0, scaler)).toThrow(RangeError);
	});

	test("converts once a size, whoever asks, and differs between sizes", async () => {
		const scaler = new Scaler();
		const raw = RawFrame.fromPixels(
			Buffer.alloc(64 * 48 * 3, 9),
			{ width: 64, height: 48, format: "rgb24" },
			0,
			scaler,
		);
		const size = { width: 32, height: 24 };
		const [a, b] = await Promise.all([raw.rgb(size), raw.rgb({ ...size })]);
		expect(a).toBe(b);
		expect(await raw.rgb(size)).toBe(a);
		expect(await raw.rgb({ width: 16, height: 12 })).not.toBe(a);
		raw.free();
		scaler.close();
	});

	test("a frame freed while it is converted is safe, and so are its pixels afterwards", async () => {
		const scaler = new Scaler();
		const kept: Buffer[] = [];
		for (let round = 0; round < 30; round++) {
			const raw = RawFrame.fromPixels(
				Buffer.alloc(640 * 360 * 3, round),
				{ width: 640, height: 360, format: "rgb24" },
				0,
				scaler,
			);
			const converting = raw.rgb({ width: 320, height: 180 });
			raw.free();
			raw.free();
			kept.push(await converting);
		}
		scaler.close();
		Bun.gc(true);
		for (const pixels of kept) expect(pixels.length + (pixels[0] ?? 0)).toBeGreaterThan(0);
	});

	test("retain outlives free; afterwards the frame refuses to be used", async () => {
		const scaler = new Scaler();
		const raw = RawFrame.fromPixels(
			Buffer.alloc(16 * 16 * 3, 200),
			{ width: 16, height: 16, format: "rgb24" },
			0,
			scaler,
		);
		const release = raw.retain();
		raw.free();
		expect((await raw.rgb({ width: 16, height: 16 }))[0]).toBe(200);
		release();
		release();
		expect(raw.rgb({ width: 16, height: 16 })).rejects.toThrow("after it was freed");
		scaler.close();
	});

	test("yuv420p has the source's range and matrix, and is made once a size", async () => {
		const scaler = new Scaler();
		const size = { width: 32, height: 24 };
		const hd = planar(AV_PIX_FMT_YUV420P, { width: 64, height: 48 }, { y: 63, u: 102, v: 240 });
		hd.colorSpace = AVCOL_SPC_BT709;
		const webcam = planar(AV_PIX_FMT_YUVJ422P, { width: 65, height: 49 }, RED);
		for (const [source, colors, red] of [
			[hd, { colorRange: AVCOL_RANGE_MPEG, colorSpace: AVCOL_SPC_BT709 }, [63, 102, 240]],
			[webcam, { colorRange: AVCOL_RANGE_JPEG, colorSpace: AVCOL_SPC_BT470BG }, [76, 85, 255]],
		] as const) {
			using raw = new RawFrame(source, 0, scaler);
			const [frame, same] = await Promise.all([raw.yuv420p(size), raw.yuv420p({ ...size })]);
			expect(same).toBe(frame);
			expect(frame).toMatchObject({ ...size, ...colors });
			for (const [plane, value] of red.entries())
				for (const pixel of frame.data?.[plane] ?? []) expect(Math.abs(pixel - value)).toBeLessThanOrEqual(3);
			const rgb = await raw.rgb(size);
			for (const [channel, value] of [255, 0, 0].entries())
				expect(Math.abs((rgb[channel] ?? 99) - value)).toBeLessThanOrEqual(5);
		}
		scaler.close();
	});

	test("a source that changes size or format goes on with the same scaler", async () => {
		const scaler = new Scaler();
		const size = { width: 40, height: 30 };
		for (const [width, height, format] of [
			[64, 48, AV_PIX_FMT_YUVJ422P],
			[64, 48, AV_PIX_FMT_YUV420P],
			[35, 77, AV_PIX_FMT_YUVJ422P],
		] as const) {
			const frames = [0, 1].map(() => new RawFrame(planar(format, { width, height }, RED), 0, scaler));
			const pixels = await Promise.all(frames.map((frame) => frame.rgb(size)));
			for (const buffer of pixels) expect(buffer[0]).toBeGreaterThan(250);
			for (const frame of frames) frame.free();
		}
		scaler.close();
	});
});
