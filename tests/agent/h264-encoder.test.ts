import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { AVCOL_RANGE_JPEG, AVCOL_RANGE_MPEG, AVCOL_SPC_BT470BG } from "node-av";
import { avcCodecString } from "#shared/avc.ts";
import type { Size } from "#shared/ladder.ts";
import { H264_CODECS } from "../../agent/h264-codec.ts";
import { H264Encoder } from "../../agent/h264-encoder.ts";
import { chooseCodec, faultOf } from "../../agent/h264-probe.ts";
import { RawFrame } from "../../agent/raw-frame.ts";
import { Scaler } from "../../agent/scaler.ts";
import { AvcPlayer } from "../support/avc-player.ts";
import { TestFrames } from "../support/test-frames.ts";

const HD = { width: 1280, height: 720 };
const SMALL = { width: 640, height: 360 };

describe("H.264 encoder", () => {
	test("gives one access unit for each of 120 pictures at once; keys exactly where asked; all show what went in", async () => {
		const asked = [30, 31, 77];
		const encoder = new H264Encoder({ ...HD, crf: 24, maxBps: 3_000_000 }, 25);
		using frames = new TestFrames(HD);
		let player: AvcPlayer | null = null;
		const keys: number[] = [];
		const shown: (number | null)[] = [];
		for (let number = 0; number < 120; number++) {
			using raw = frames.frame(number);
			const unit = await encoder.encode(raw, { key: asked.includes(number) });
			if (unit!.isKey) keys.push(number);
			expect(unit!.config === null).toBe(!unit!.isKey);
			player ??= new AvcPlayer(unit!.config!);
			shown.push(player.timeOf(unit!.body));
		}
		encoder.close();
		player?.[Symbol.dispose]();
		expect(keys).toEqual([0, ...asked]);
		expect(shown).toEqual(Array.from({ length: 120 }, (_, number) => TestFrames.time(number)));
	});

	test("a player may join at any key: it brings its description", async () => {
		const encoder = new H264Encoder({ ...SMALL, crf: 26, maxBps: 500_000 }, 25);
		using frames = new TestFrames(SMALL);
		const units = [];
		for (let number = 0; number < 12; number++) {
			using raw = frames.frame(number);
			units.push((await encoder.encode(raw, { key: number === 6 }))!);
		}
		encoder.close();
		expect(avcCodecString(units[6]!.config!)).toMatch(/^avc1\.6400[0-9a-f]{2}$/);
		using late = new AvcPlayer(units[6]!.config!);
		expect(units.slice(6).map(({ body }) => late.timeOf(body))).toEqual(
			[6, 7, 8, 9, 10, 11].map(TestFrames.time),
		);
	});

	test("a picture left out leaves no gap: the next builds on the last that was given", async () => {
		const encoder = new H264Encoder({ ...SMALL, crf: 26, maxBps: 500_000 }, 25);
		using frames = new TestFrames(SMALL);
		const given = [0, 1, 2, 9, 10, 40, 41];
		let player: AvcPlayer | null = null;
		for (const number of given) {
			using raw = frames.frame(number);
			const unit = await encoder.encode(raw, { key: false });
			expect(unit!.isKey).toBe(number === 0);
			player ??= new AvcPlayer(unit!.config!);
			expect(player.timeOf(unit!.body)).toBe(TestFrames.time(number));
		}
		encoder.close();
		player?.[Symbol.dispose]();
	});

	test.each([
		{ format: "rgb24", red: [255, 0, 0], range: AVCOL_RANGE_MPEG, coded: [81, 90, 240] },
		{ format: "yuvj420p", red: [76, 85, 255], range: AVCOL_RANGE_JPEG, coded: [76, 85, 255] },
	] as const)("the stream says which range and matrix its colours have: $format", async (given) => {
		const scaler = new Scaler();
		const size = { width: 320, height: 180 };
		const pixels = given.format === "rgb24" ? packed(size, given.red) : planes(size, given.red);
		using raw = RawFrame.fromPixels(pixels, { ...size, format: given.format }, 0, scaler);
		const encoder = new H264Encoder({ ...size, crf: 20, maxBps: 500_000 }, 25);
		const unit = await encoder.encode(raw, { key: false });
		encoder.close();
		scaler.close();
		using player = new AvcPlayer(unit!.config!);
		const { frame } = player.show(unit!.body);
		expect(frame).toMatchObject({ ...size, colorRange: given.range, colorSpace: AVCOL_SPC_BT470BG });
		for (const [plane, value] of given.coded.entries())
			expect(Math.abs((frame.data?.[plane]?.[1000] ?? 0) - value)).toBeLessThanOrEqual(3);
		frame.free();
	});

	test("noise stays below the greatest rate, and no frame is larger than a quarter of a second of it", async () => {
		const maxBps = 1_000_000;
		const seconds = 3;
		const encoder = new H264Encoder({ ...SMALL, crf: 24, maxBps }, 25);
		const scaler = new Scaler();
		const pixels = Buffer.alloc(SMALL.width * SMALL.height * 1.5);
		const sizes: number[] = [];
		let random = 1;
		for (let number = 0; number < 25 * seconds; number++) {
			for (let at = 0; at < pixels.length; at++) {
				random = (Math.imul(random, 1_664_525) + 1_013_904_223) >>> 0;
				pixels[at] = 112 + (random >>> 27);
			}
			using raw = RawFrame.fromPixels(pixels, { ...SMALL, format: "yuvj420p" }, number * 40, scaler);
			sizes.push((await encoder.encode(raw, { key: number === 40 }))!.body.length);
		}
		encoder.close();
		scaler.close();
		const bits = sizes.reduce((sum, bytes) => sum + bytes * 8, 0);
		expect(bits / seconds).toBeLessThan(maxBps * 1.1);
		expect(Math.max(...sizes) * 8).toBeLessThan((maxBps / 4) * 1.1);
	});

	test("closing while a picture is encoded is safe; a closed encoder gives nothing", async () => {
		const encoder = new H264Encoder({ ...SMALL, crf: 26, maxBps: 500_000 }, 25);
		using frames = new TestFrames(SMALL);
		using raw = frames.frame(1);
		const encoding = encoder.encode(raw, { key: false });
		await expect(encoder.encode(raw, { key: false })).rejects.toThrow("one picture at a time");
		encoder.close();
		encoder.close();
		expect((await encoding)?.isKey).toBe(true);
		expect(await encoder.encode(raw, { key: false })).toBeNull();
	});

	test("what FFmpeg refuses rejects, and can be tried again", async () => {
		const encoder = new H264Encoder({ width: 641, height: 361, crf: 26, maxBps: 500_000 }, 25);
		using frames = new TestFrames(SMALL);
		using raw = frames.frame(1);
		for (let i = 0; i < 2; i++)
			await expect(encoder.encode(raw, { key: false })).rejects.toThrow("H.264 encoder");
		encoder.close();
	});

	test("fifty of them opened and closed leave neither files nor memory behind", async () => {
		using frames = new TestFrames(HD);
		const round = async () => {
			const encoder = new H264Encoder({ ...HD, crf: 24, maxBps: 3_000_000 }, 25);
			for (let number = 0; number < 3; number++) {
				using raw = frames.frame(number);
				await encoder.encode(raw, { key: false });
			}
			encoder.close();
		};
		const open = () => readdirSync("/proc/self/fd").length + readdirSync("/proc/self/task").length;
		for (let i = 0; i < 10; i++) await round();
		Bun.gc(true);
		const before = { open: open(), rss: process.memoryUsage.rss() };
		for (let i = 0; i < 50; i++) await round();
		Bun.gc(true);
		expect(open()).toBeLessThanOrEqual(before.open);
		expect((process.memoryUsage.rss() - before.rss) / 2 ** 20).toBeLessThan(50); // one left open takes 20 MiB
	});
});

describe("probing", () => {
	test("the software encoder is found fit, and used when no hardware is", async () => {
		expect(await faultOf(H264_CODECS.software)).toBeNull();
		const fit = [];
		for (const name of ["nvenc", "videotoolbox"] as const) {
			const fault = await faultOf(H264_CODECS[name]);
			if (fault === null) fit.push(H264_CODECS[name]);
			else expect(fault).toStartWith("H.264 encoder");
		}
		expect(await chooseCodec("auto")).toBe(fit[0] ?? H264_CODECS.software);
		expect(await chooseCodec("software")).toBe(H264_CODECS.software);
	});

	test("an encoder that gives no key when asked is found unfit", async () => {
		const { software } = H264_CODECS;
		const options = () => ({ ...software.options({ crf: 26 }), "x264-params": "keyint=2" });
		expect(await faultOf({ ...software, options })).toBe("keys do not come when asked for");
	});
});

type Colour = readonly [number, number, number];

function packed({ width, height }: Size, colour: Colour): Buffer {
	const pixels = Buffer.alloc(width * height * 3);
	for (let at = 0; at < pixels.length; at++) pixels[at] = colour[at % 3]!;
	return pixels;
}

function planes({ width, height }: Size, [y, u, v]: Colour): Buffer {
	const pixels = width * height;
	return Buffer.concat([Buffer.alloc(pixels, y), Buffer.alloc(pixels / 4, u), Buffer.alloc(pixels / 4, v)]);
}
