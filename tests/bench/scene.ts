import { AV_PIX_FMT_YUVJ420P, AVMEDIA_TYPE_VIDEO, FFmpegError, FormatContext, Frame, Packet } from "node-av";
import type { Size } from "#shared/ladder.ts";
import { drawPixelClock } from "#shared/pixel-clock.ts";
import { Decoder } from "../../agent/decoder.ts";

const NOISE_SAMPLES = 1 << 22;

/** A frame of this size and format, its pixels not yet set. */
export function allocate({ width, height }: Size, format: Frame["format"]): Frame {
	const frame = new Frame();
	frame.alloc();
	frame.width = width;
	frame.height = height;
	frame.format = format;
	FFmpegError.throwIfError(frame.getBuffer(1), "allocate picture");
	return frame;
}

/** Detail of all sizes with amplitudes as in photographs, near 1/f; about as hard to encode as the ladder's. */
export function sceneTexture({ width, height }: Size): Float32Array {
	const texture = new Float32Array(width * height);
	for (let cell = 2; cell <= 256; cell *= 2) {
		const columns = Math.ceil(width / cell) + 2;
		const grid = Float32Array.from(
			{ length: columns * (Math.ceil(height / cell) + 2) },
			() => Math.random() - 0.5,
		);
		const amplitude = 5 * cell ** 0.5;
		for (let y = 0; y < height; y++) {
			const row = Math.floor(y / cell) * columns;
			const down = (y % cell) / cell;
			for (let x = 0; x < width; x++) {
				const at = row + Math.floor(x / cell);
				const right = (x % cell) / cell;
				const top = (grid[at] ?? 0) * (1 - right) + (grid[at + 1] ?? 0) * right;
				const bottom = (grid[at + columns] ?? 0) * (1 - right) + (grid[at + columns + 1] ?? 0) * right;
				texture[y * width + x]! += amplitude * (top * (1 - down) + bottom * down);
			}
		}
	}
	return texture;
}

/** A camera's noise: nearly normal, of one standard deviation, never the same twice in a row. */
export class Noise {
	readonly #samples: Int8Array;

	constructor(sigma: number) {
		const sum = () => Math.random() + Math.random() + Math.random() + Math.random() - 2;
		this.#samples = Int8Array.from({ length: NOISE_SAMPLES }, () => Math.round(sum() * Math.sqrt(3) * sigma));
	}

	/** A noisy copy of `frame`, the caller's to free. */
	added(frame: Frame): Frame {
		const noisy = allocate(frame, frame.format);
		noisy.colorRange = frame.colorRange;
		noisy.colorSpace = frame.colorSpace;
		for (const [index, plane] of (noisy.data ?? []).entries()) {
			const clean = frame.data?.[index];
			let at = Math.floor(Math.random() * NOISE_SAMPLES);
			for (let i = 0; i < plane.length; i++) {
				const value = (clean?.[i] ?? 0) + (this.#samples[at++ % NOISE_SAMPLES] ?? 0);
				plane[i] = Math.min(255, Math.max(0, value));
			}
		}
		return noisy;
	}
}

/** A still scene with textured things that move through it and a pixel clock, as a webcam's frames. */
export function drawnScene(
	size: Size,
	{ frames, framesPerSecond }: { frames: number; framesPerSecond: number },
): Frame[] {
	const { width, height } = size;
	const scene = sceneTexture(size);
	const side = Math.round(height / 4);
	const thing = sceneTexture({ width: side, height: side });
	return Array.from({ length: frames }, (_, number) => {
		const frame = allocate(size, AV_PIX_FMT_YUVJ420P);
		const [luma, ...chroma] = frame.data ?? [];
		for (let at = 0; at < scene.length; at++) luma![at] = Math.min(255, Math.max(0, 120 + scene[at]!));
		for (const plane of chroma) plane.fill(120);
		for (const [index, turns] of [0.31, 0.5, 0.83].entries()) {
			const angle = (2 * Math.PI * turns * number) / framesPerSecond;
			const left = Math.round(((index + 0.5) * width) / 3 + (Math.cos(angle) - 1) * side * 0.5);
			const top = Math.round((height - side) * (0.4 + 0.3 * Math.sin(angle)));
			for (let y = 0; y < side; y++)
				for (let x = 0; x < side; x++)
					luma![(top + y) * width + left + x] = Math.min(255, Math.max(0, 150 + thing[y * side + x]!));
		}
		drawPixelClock(luma!, { width, height, channels: 1 }, (number * 1000) / framesPerSecond);
		return frame;
	});
}

/** The first frames of a video file, the caller's to free, and their rate. */
export async function filmedScene(
	path: string,
	frames: number,
): Promise<{ frames: Frame[]; framesPerSecond: number }> {
	const input = new FormatContext();
	FFmpegError.throwIfError(await input.openInput(path), path);
	FFmpegError.throwIfError(await input.findStreamInfo(), path);
	const stream = input.streams[input.findBestStream(AVMEDIA_TYPE_VIDEO)];
	if (!stream) throw new Error(`${path}: no video in it`);
	const decoder = await Decoder.open(stream.codecpar, { live: false });
	const made: Frame[] = [];
	while (made.length < frames) {
		using packet = new Packet();
		packet.alloc();
		const isEnd = (await input.readFrame(packet)) < 0;
		if (!isEnd && packet.streamIndex !== stream.index) continue;
		made.push(...(await decoder.decode(isEnd ? null : packet)).pictures);
		if (isEnd) break;
	}
	for (const surplus of made.splice(frames)) surplus.free();
	decoder.close();
	const framesPerSecond = stream.avgFrameRate.num / stream.avgFrameRate.den;
	await input.closeInput();
	// Planes without row padding, whatever the decoder made.
	return { frames: made.map(packed), framesPerSecond };
}

function packed(frame: Frame): Frame {
	const copy = allocate(frame, frame.format);
	copy.colorRange = frame.colorRange;
	copy.colorSpace = frame.colorSpace;
	for (const [index, plane] of (copy.data ?? []).entries()) {
		const stride = frame.linesize[index] ?? 0;
		const width = index === 0 ? frame.width : Math.ceil(frame.width / 2);
		for (let at = 0, from = 0; at < plane.length; at += width, from += stride)
			plane.set(frame.data![index]!.subarray(from, from + width), at);
	}
	frame.free();
	return copy;
}
