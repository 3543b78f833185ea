// CPU that one frame costs the agent on each rung: conversion, JPEG, and what sharp's settings take and give.
// Threads included; test cards under a scene's texture and a camera's noise, as a webcam's MJPEG decodes to (yuvj422p).
import { AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUVJ422P, type Frame, SoftwareScaleContext } from "node-av";
import sharp from "sharp";
import { ladderFor, renditionName, type Size } from "#shared/ladder.ts";
import { encodeJpeg } from "../../agent/jpeg-encoder.ts";
import { RawFrame } from "../../agent/raw-frame.ts";
import { Scaler } from "../../agent/scaler.ts";
import { TestPicture } from "../../agent/test-picture.ts";
import { numberOption, report, rounded } from "./report.ts";
import { allocate, sceneTexture } from "./scene.ts";

const rounds = numberOption("rounds", 30);
const FRAMES = 4; // different ones: no step sees the same picture twice in a row
const NOISE_SIGMA = 2.3; // of 255: a camera by day

interface Rung {
	source: string;
	rung: string;
	/** Mean of a frame. */
	kilobytes: number;
	/** CPU, ms a frame: the conversion alone; all of it as the agent does it; all of it with optimiseCoding. */
	convertMs: number;
	encodeMs: number;
	optimisedMs: number;
	/** Share of the bytes optimiseCoding would save. */
	optimisedSaves: number;
}

const results: Rung[] = [];
for (const size of [
	{ width: 1280, height: 720 },
	{ width: 1920, height: 1080 },
]) {
	const frames = Array.from({ length: FRAMES }, (_, index) => noisyFrame(size, index));
	for (const rendition of ladderFor(size)) {
		const { width, height, quality } = rendition;
		const source = `${size.height}p`;
		const scaler = new Scaler();
		const fresh = (index: number) =>
			new RawFrame((frames[index % FRAMES] as Frame).clone() as Frame, 0, scaler);
		let bytes = 0;
		let optimisedBytes = 0;
		const convertMs = await cpuMs(async (index) => {
			using raw = fresh(index);
			await raw.rgb({ width, height });
		});
		const encodeMs = await cpuMs(async (index) => {
			using raw = fresh(index);
			bytes += (await encodeJpeg(raw, rendition)).length;
		});
		const optimisedMs = await cpuMs(async (index) => {
			using raw = fresh(index);
			const pixels = await raw.rgb({ width, height });
			const options = { quality, chromaSubsampling: "4:2:0", optimiseCoding: true };
			const jpeg = await sharp(pixels, { raw: { width, height, channels: 3 } })
				.jpeg(options)
				.toBuffer();
			optimisedBytes += jpeg.length;
		});
		scaler.close();
		results.push({
			source,
			rung: renditionName(rendition),
			kilobytes: rounded(bytes / (rounds + FRAMES) / 1000),
			convertMs: rounded(convertMs, 2),
			encodeMs: rounded(encodeMs, 2),
			optimisedMs: rounded(optimisedMs, 2),
			optimisedSaves: rounded(1 - optimisedBytes / bytes, 3),
		});
	}
}
report(results, { bench: "encode", rounds, noiseSigma: NOISE_SIGMA, rungs: results });

/** CPU of this process per call, ms, after a first call on each frame. */
async function cpuMs(call: (index: number) => Promise<void>): Promise<number> {
	for (let index = 0; index < FRAMES; index++) await call(index);
	const before = process.cpuUsage();
	for (let index = 0; index < rounds; index++) await call(index);
	const { user, system } = process.cpuUsage(before);
	return (user + system) / 1000 / rounds;
}

function noisyFrame({ width, height }: Size, index: number): Frame {
	const picture = new TestPicture({ width, height }, 30);
	picture.draw(index, 1_700_000_000_000 + index * 33);
	const pixels = picture.pixels.slice();
	const texture = sceneTexture({ width, height });
	for (let i = 0; i < pixels.length; i++) {
		const noise =
			(Math.random() + Math.random() + Math.random() + Math.random() - 2) * Math.sqrt(3) * NOISE_SIGMA;
		const value = (pixels[i] ?? 0) + (texture[i] ?? 0) + noise;
		pixels[i] = Math.min(255, Math.max(0, Math.round(value)));
	}
	const card = allocate({ width, height }, AV_PIX_FMT_YUVJ420P);
	let offset = 0;
	for (const plane of card.data ?? []) {
		plane.set(pixels.subarray(offset, offset + plane.length));
		offset += plane.length;
	}
	const converter = new SoftwareScaleContext();
	converter.allocContext();
	const camera = allocate({ width, height }, AV_PIX_FMT_YUVJ422P);
	if (converter.scaleFrameSync(camera, card) < 0) throw new Error("no conversion to yuvj422p");
	converter.freeContext();
	card.free();
	return camera;
}
