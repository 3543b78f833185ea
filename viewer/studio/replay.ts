import type { Frame } from "../connection.ts";
import type { Canvas } from "../painter.ts";
import { sizeOf } from "./image-size.ts";
import { PastDecoder } from "./past-decoder.ts";

const REPORT_MS = 100;

/** Where a replay stands; instants are captures, relay clock. */
export interface ReplayState {
	from: number;
	to: number;
	/** Of the picture shown. */
	time: number;
	isPlaying: boolean;
}

/** Shows frames once more, at their own pace, on a canvas of its own. */
export class Replay {
	readonly #frames: readonly Frame[];
	readonly #canvas: Canvas;
	readonly #context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | null;
	readonly #decoder: PastDecoder;
	readonly #report: (state: ReplayState) => void;
	#index = 0;
	#isPlaying = false;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#reportTime = Number.NEGATIVE_INFINITY;

	/** `frames`: at least one, the first of them a key; oldest first. */
	constructor(canvas: Canvas, frames: readonly Frame[], report: (state: ReplayState) => void) {
		this.#frames = frames;
		this.#report = report;
		this.#canvas = canvas;
		// Both kinds have it, yet TypeScript cannot call a union of overloads.
		this.#context = (canvas as OffscreenCanvas).getContext("2d", { alpha: false });
		this.#decoder = new PastDecoder(frames, (image) => this.#draw(image));
	}

	/** Shows the last frame captured until then. */
	seek(time: number): void {
		const after = this.#frames.findIndex(({ header }) => header.captureTime > time);
		this.#show(Math.max(0, (after < 0 ? this.#frames.length : after) - 1));
		if (this.#isPlaying) this.#goOn();
	}

	/** Shows a frame some places on, and stands still. */
	step(by: number): void {
		this.pause();
		this.#show(Math.min(this.#frames.length - 1, Math.max(0, this.#index + by)));
	}

	/** Goes on from where it stands, or from the start where that is the end; stops at the end. */
	play(): void {
		if (this.#index === this.#frames.length - 1) this.#show(0);
		this.#isPlaying = true;
		this.#goOn();
		this.#tell();
	}

	pause(): void {
		clearTimeout(this.#timer);
		this.#isPlaying = false;
		this.#tell();
	}

	close(): void {
		clearTimeout(this.#timer);
		this.#decoder.close();
	}

	#goOn(): void {
		clearTimeout(this.#timer);
		const startTime = performance.now();
		const startCapture = this.#captureTime;
		const next = () => {
			const at = startCapture + performance.now() - startTime;
			let index = this.#index;
			while (index < this.#frames.length - 1 && this.#frames[index + 1]!.header.captureTime <= at) index++;
			if (index > this.#index) this.#show(index);
			if (index === this.#frames.length - 1) return this.pause();
			this.#timer = setTimeout(next, this.#frames[index + 1]!.header.captureTime - at);
		};
		next();
	}

	#show(index: number): void {
		this.#index = index;
		this.#decoder.show(index);
		if (!this.#isPlaying || performance.now() - this.#reportTime >= REPORT_MS) this.#tell();
	}

	#draw(image: ImageBitmap | VideoFrame): void {
		const size = sizeOf(image);
		if (this.#canvas.width !== size.width) this.#canvas.width = size.width;
		if (this.#canvas.height !== size.height) this.#canvas.height = size.height;
		this.#context?.drawImage(image, 0, 0);
		image.close();
	}

	#tell(): void {
		this.#reportTime = performance.now();
		this.#report({
			from: this.#frames[0]!.header.captureTime,
			to: this.#frames.at(-1)!.header.captureTime,
			time: this.#captureTime,
			isPlaying: this.#isPlaying,
		});
	}

	get #captureTime(): number {
		return this.#frames[this.#index]!.header.captureTime;
	}
}
