import "./quiet-av.ts";
import {
	AV_PIX_FMT_RGB24,
	AV_PIX_FMT_YUV420P,
	AV_PIX_FMT_YUVJ420P,
	AV_PIX_FMT_YUVJ422P,
	AV_PIX_FMT_YUVJ444P,
	AVCOL_PRI_BT709,
	AVCOL_RANGE_JPEG,
	AVCOL_RANGE_MPEG,
	AVCOL_SPC_BT470BG,
	AVCOL_SPC_BT709,
	AVCOL_SPC_SMPTE170M,
	AVCOL_SPC_UNSPECIFIED,
	AVCOL_TRC_BT709,
	type AVPixelFormat,
	FFmpegError,
	Frame,
	SoftwareScaleContext,
} from "node-av";
import type { Size } from "#shared/ladder.ts";

const PIXEL_FORMATS = { rgb: AV_PIX_FMT_RGB24, yuv420p: AV_PIX_FMT_YUV420P } as const;

// Every player knows these two matrices (BT.601 has two names), and to go from one to the other costs 2 to 4 ms at 720p.
const KEPT_MATRICES = [AVCOL_SPC_BT709, AVCOL_SPC_BT470BG, AVCOL_SPC_SMPTE170M];

const FULL_RANGE_FORMATS: AVPixelFormat[] = [AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUVJ422P, AV_PIX_FMT_YUVJ444P];

/** What a picture is converted to. rgb: RGB24, packed. yuv420p: planes with the source's range and matrix, tagged so. */
export interface Target extends Size {
	format: keyof typeof PIXEL_FORMATS;
}

/** One conversion under way or done: its context, and the picture it wrote. */
export interface Lane {
	/** Overwritten once the lane is released. */
	readonly output: Frame;
	/** The first plane of it, without row padding. Reading it is never unsafe. */
	readonly pixels: Buffer;
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
	 * `picture` as `target`; `origin` is the source's picture it was made from. The caller returns the lane with
	 * `release` when the result is done with, keeps both pictures alive until then, and gets an Error when swscale
	 * refuses.
	 */
	async convert(picture: Frame, target: Target, origin = picture): Promise<Lane> {
		const lane = this.#take(origin, target);
		if (target.format === "yuv420p") {
			lane.output.colorRange = rangeOf(origin);
			lane.output.colorSpace = matrixOf(origin);
		}
		// Off the main thread: 0.1 ms dearer a frame than scaleFrameSync, which would block the loop for 0.5 to 4 ms.
		const code = await lane.context.scaleFrame(lane.output, picture);
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

	#take(source: Frame, target: Target): Lane {
		const sourceKey = `${source.width}x${source.height} ${source.format}`;
		if (sourceKey !== this.#source) {
			this.#dropIdle();
			this.#source = sourceKey;
		}
		return this.#idle.get(keyOf(target))?.pop() ?? createLane(sourceKey, target);
	}

	#dropIdle(): void {
		for (const lanes of this.#idle.values()) for (const lane of lanes) lane.context.freeContext();
		this.#idle.clear();
	}
}

/** The range planes made of `source` have. */
export function rangeOf({ colorRange, format }: Frame): Frame["colorRange"] {
	const isFull = colorRange === AVCOL_RANGE_JPEG || FULL_RANGE_FORMATS.includes(format as AVPixelFormat);
	return isFull ? AVCOL_RANGE_JPEG : AVCOL_RANGE_MPEG;
}

/** The matrix planes made of `source` have; swscale takes one that does not tell for BT.601. */
export function matrixOf({ colorSpace }: Frame): Frame["colorSpace"] {
	if (KEPT_MATRICES.includes(colorSpace)) return colorSpace;
	return colorSpace === AVCOL_SPC_UNSPECIFIED ? AVCOL_SPC_BT470BG : AVCOL_SPC_BT709;
}

/** Names a target, the same for equal ones. */
export function keyOf({ format, width, height }: Target): string {
	return `${format} ${width}x${height}`;
}

function createLane(source: string, target: Target): Lane {
	const output = new Frame();
	output.alloc();
	output.width = target.width;
	output.height = target.height;
	output.format = PIXEL_FORMATS[target.format];
	if (target.format === "yuv420p") {
		output.colorPrimaries = AVCOL_PRI_BT709;
		output.colorTrc = AVCOL_TRC_BT709;
	}
	FFmpegError.throwIfError(output.getBuffer(1), "allocate picture"); // alignment 1: rows without padding
	const pixels = output.data?.[0];
	if (!pixels) throw new Error("allocate picture: no memory");
	for (const holder of [pixels, pixels.buffer]) memoryOwners.set(holder, output);

	const context = new SoftwareScaleContext();
	context.allocContext();
	// Area averaging: shrinks without aliasing, from 4:2:2 at half the cost of bilinear.
	context.setOption("sws_flags", "area");
	return { output, pixels, context, source, target: keyOf(target) };
}
