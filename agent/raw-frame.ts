import {
	AV_PIX_FMT_RGB24,
	AV_PIX_FMT_YUV420P,
	AV_PIX_FMT_YUVJ420P,
	type AVPixelFormat,
	FFmpegError,
	Frame,
} from "node-av";
import { isOwn, type Rendition, type Size } from "#shared/ladder.ts";
import type { OwnJpeg } from "./own-jpeg.ts";
import { keyOf, type Lane, type Scaler, type Target } from "./scaler.ts";

const PIXEL_FORMATS = { rgb24: AV_PIX_FMT_RGB24, yuvj420p: AV_PIX_FMT_YUVJ420P } as const;

const PLANAR_FORMATS: AVPixelFormat[] = [AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUVJ420P];

export interface PixelLayout extends Size {
	/** rgb24: packed. yuvj420p: full-range planes Y, U, V, chroma sizes rounded up. */
	format: keyof typeof PIXEL_FORMATS;
}

/**
 * One picture at the agent: its pixels in whatever format the source gave, the JPEG it came as, or both.
 * Whoever takes a frame frees it, once; who works on it meanwhile holds it by `retain`.
 */
export class RawFrame {
	/** Instant of capture by `localNow`, ms. */
	readonly captureTime: number;
	readonly width: number;
	readonly height: number;
	readonly #own: OwnJpeg | null;
	readonly #frame: Frame | null;
	readonly #scaler: Scaler;
	readonly #conversions = new Map<string, Promise<Lane>>();
	readonly #lanes: Lane[] = [];
	#holders = 1;
	#ownerHolds = true;

	/** Takes ownership of `picture`, a Frame that holds one or a JPEG left undecoded. `scaler` is the source's own. */
	constructor(
		picture: Frame | OwnJpeg,
		captureTime: number,
		scaler: Scaler,
		own = picture instanceof Frame ? null : picture,
	) {
		this.#frame = picture instanceof Frame ? picture : null;
		this.#scaler = scaler;
		this.captureTime = captureTime;
		this.width = picture.width;
		this.height = picture.height;
		this.#own = own;
	}

	/** The picture as it came, if that is what `rendition` is. */
	ownFor(rendition: Rendition): OwnJpeg | null {
		const own = isOwn(rendition) ? this.#own : null;
		return own?.width === rendition.width && own.height === rendition.height ? own : null;
	}

	/** Without them it can only be passed on. */
	get hasPixels(): boolean {
		return this.#frame !== null;
	}

	/** A frame holding a copy of `pixels`. Throws a RangeError when there are too few of them. */
	static fromPixels(pixels: Uint8Array, layout: PixelLayout, captureTime: number, scaler: Scaler): RawFrame {
		const frame = new Frame();
		frame.alloc();
		frame.width = layout.width;
		frame.height = layout.height;
		frame.format = PIXEL_FORMATS[layout.format];
		FFmpegError.throwIfError(frame.getBuffer(1), "allocate picture"); // alignment 1: rows without padding
		let offset = 0;
		// Not Frame.fromVideoBuffer: it points into `pixels` without keeping them alive.
		for (const plane of frame.data ?? []) {
			if (offset + plane.length > pixels.length) {
				frame.free();
				throw new RangeError(`${pixels.length} bytes are too few for ${layout.width}x${layout.height}`);
			}
			plane.set(pixels.subarray(offset, offset + plane.length));
			offset += plane.length;
		}
		return new RawFrame(frame, captureTime, scaler);
	}

	/**
	 * Packed RGB24 of the whole picture in `size`, made at most once per size, whoever asks.
	 * The Buffer is lent until the frame is freed and no longer retained; it is read only.
	 */
	async rgb(size: Size): Promise<Buffer> {
		return (await this.#converted({ format: "rgb", ...size })).pixels;
	}

	/**
	 * The whole picture in `size`, both sides even, as planes with the source's range and matrix (`rangeOf`,
	 * `matrixOf`); made and lent like `rgb`. Who needs other properties than the pixels sets them on a clone.
	 */
	async yuv420p(size: Size): Promise<Frame> {
		const frame = this.#pixels;
		const isThere = PLANAR_FORMATS.includes(frame.format as AVPixelFormat) && this.#isFull(size);
		return isThere ? frame : (await this.#converted({ format: "yuv420p", ...size })).output;
	}

	/** Keeps the pixels alive past `free` until the returned function is called. Throws when they are gone. */
	retain(): () => void {
		if (this.#holders === 0) throw new Error("raw frame used after it was freed");
		this.#holders++;
		let held = true;
		return () => {
			if (held) this.#release();
			held = false;
		};
	}

	/** The owner's goodbye; a second call does nothing. */
	free(): void {
		if (this.#ownerHolds) this.#release();
		this.#ownerHolds = false;
	}

	[Symbol.dispose](): void {
		this.free();
	}

	async #converted({ format, width, height }: Target): Promise<Lane> {
		const release = this.retain();
		try {
			const target = { format, width, height };
			const key = keyOf(target);
			let conversion = this.#conversions.get(key);
			if (!conversion) {
				conversion = this.#convert(target);
				this.#conversions.set(key, conversion);
				this.#lanes.push(await conversion);
			}
			return await conversion;
		} finally {
			release();
		}
	}

	/** Smaller RGB is made of smaller planes: swscale scales to planes four times faster, and both codecs share them. */
	async #convert(target: Target): Promise<Lane> {
		if (target.format !== "rgb" || this.#isFull(target))
			return await this.#scaler.convert(this.#pixels, target);
		const planes = await this.#converted({ ...target, format: "yuv420p" });
		return await this.#scaler.convert(planes.output, target, this.#pixels);
	}

	get #pixels(): Frame {
		if (!this.#frame) throw new Error("raw frame was never decoded");
		return this.#frame;
	}

	#isFull({ width, height }: Size): boolean {
		return width === this.width && height === this.height;
	}

	#release(): void {
		if (--this.#holders > 0) return;
		for (const lane of this.#lanes) this.#scaler.release(lane);
		this.#frame?.free();
	}
}
