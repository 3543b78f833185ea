import "./quiet-av.ts";
import { AV_PIX_FMT_RGB24, type AVPixelFormat, FFmpegError, Frame, SoftwareScaleContext } from "node-av";
import type { Size } from "#shared/ladder.ts";

/** One conversion under way or done: its context, and the pixels it wrote. */
export interface Lane {
	/** Packed, no row padding. Overwritten once the lane is released; reading it is never unsafe. */
	readonly pixels: Buffer;
	readonly output: Frame;
	readonly context: SoftwareScaleContext;
	readonly source: string;
	readonly target: string;
}

// node-av's plane views do not keep their frame alive (a read after free crashes), so the memory does.
const memoryOwners = new WeakMap<object, Frame>();

/**
 * Converts and scales pictures of one source with swscale, reusing contexts and output memory between frames.
 * Colour range and matrix are taken from each frame, so full-range JPEG sources keep their contrast.
 */
export class Scaler {
	readonly #idle = new Map<string, Lane[]>();
	#source = "";
	#closed = false;

	/**
	 * Packed RGB24 of `source` in `size`. The caller returns the lane with `release` when the pixels are done with,
	 * keeps `source` alive until then, and gets an Error when swscale refuses the picture.
	 */
	async rgb(source: Frame, size: Size): Promise<Lane> {
		const lane = this.#take(source, AV_PIX_FMT_RGB24, size);
		// Off the main thread: 0.1 ms dearer a frame than scaleFrameSync, which would block the loop for 0.5 to 4 ms.
		const code = await lane.context.scaleFrame(lane.output, source);
		if (code < 0) {
			lane.context.freeContext();
			throw new Error(`swscale: ${FFmpegError.strerror(code)}`);
		}
		return lane;
	}

	/** Takes back a lane of this scaler; its pixels may be overwritten from now on. */
	release(lane: Lane): void {
		const idle = this.#idle.get(lane.target);
		if (this.#closed || lane.source !== this.#source) lane.context.freeContext();
		else if (idle) idle.push(lane);
		else this.#idle.set(lane.target, [lane]);
	}

	/** Frees what is idle now and, as it comes back, what is not. */
	close(): void {
		this.#closed = true;
		this.#dropIdle();
	}

	#take(source: Frame, format: AVPixelFormat, size: Size): Lane {
		const sourceKey = `${source.width}x${source.height} ${source.format}`;
		if (sourceKey !== this.#source) {
			this.#dropIdle();
			this.#source = sourceKey;
		}
		const target = `${size.width}x${size.height} ${format}`;
		return this.#idle.get(target)?.pop() ?? createLane(sourceKey, target, format, size);
	}

	#dropIdle(): void {
		for (const lanes of this.#idle.values()) for (const lane of lanes) lane.context.freeContext();
		this.#idle.clear();
	}
}

function createLane(source: string, target: string, format: AVPixelFormat, size: Size): Lane {
	const output = new Frame();
	output.alloc();
	output.width = size.width;
	output.height = size.height;
	output.format = format;
	FFmpegError.throwIfError(output.getBuffer(1), "allocate picture"); // alignment 1: rows without padding
	const pixels = output.data?.[0];
	if (!pixels) throw new Error("allocate picture: no memory");
	for (const holder of [pixels, pixels.buffer]) memoryOwners.set(holder, output);

	const context = new SoftwareScaleContext();
	context.allocContext();
	// Area averaging: shrinks without aliasing, from 4:2:2 at half the cost of bilinear.
	context.setOption("sws_flags", "area");
	return { pixels, output, context, source, target };
}
