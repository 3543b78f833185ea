import type { Frame } from "../connection.ts";
import { Decoder } from "../decoder.ts";
import { type Canvas, Painter } from "../painter.ts";

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
	readonly #decoder: Decoder;
	readonly #painter: Painter;
	readonly #report: (state: ReplayState) => void;
	#index = 0;
	#isPlaying = false;
	#timer: ReturnType<typeof setTimeout> | undefined;
	#reportTime = Number.NEGATIVE_INFINITY;

	/** `frames`: at least one, the first of them a key; oldest first. */
	constructor(canvas: Canvas, frames: readonly Frame[], report: (state: ReplayState) => void) {
		this.#frames = frames;
		this.#report = report;
		this.#painter = new Painter(canvas, () => {});
		this.#decoder = new Decoder((picture) => this.#painter.offer(picture));
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
		this.#decoder.restart();
		this.#painter.close();
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
		const isOn = index > this.#index;
		let first = index;
		while (first > 0 && !this.#frames[first]!.header.isKey && !(isOn && first === this.#index + 1)) first--;
		if (!isOn) this.#decoder.restart();
		for (let i = first; i <= index; i++) this.#decoder.offer(this.#frames[i]!);
		this.#index = index;
		if (!this.#isPlaying || performance.now() - this.#reportTime >= REPORT_MS) this.#tell();
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
