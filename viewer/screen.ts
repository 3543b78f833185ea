import type { ClockOffset } from "#shared/clock.ts";
import { localNow } from "#shared/clock.ts";
import { HEADER_BYTES } from "#shared/frame.ts";
import type { Frame } from "./connection.ts";
import { Decoder, type Picture } from "./decoder.ts";
import { Meter, type Stages } from "./meter.ts";
import { type Canvas, Painter } from "./painter.ts";

/** What one camera shows at one instant; a new snapshot four times a second. Names follow the W3C statistics. */
export interface CameraStats {
	/** The rendition on screen; null before the first picture. */
	rendition: number | null;
	frameWidth: number;
	frameHeight: number;
	/** Of the picture on screen; relay clock. */
	captureTime: number | null;
	/** When it was painted; engine clock. */
	presentationTime: number | null;
	/** Since when the relay was asked for this camera without a break; null while it is not. Engine clock. */
	watchedTime: number | null;
	/** Usual distance of two frames, ms. */
	intervalMs: number | null;
	ageMs: number | null;
	stages: Stages | null;
	framesPerSecond: number;
	bitsPerSecond: number;
	/** Decoding of the last frame, ms. */
	processingDuration: number;
	/** Painted since the page was opened. */
	frames: number;
	replaced: number;
	undecodable: number;
	/** Decoded and not yet closed: at most one being painted and one waiting. */
	picturesOpen: number;
}

/** One camera's way to its canvas: decode, paint, measure. */
export class Screen {
	readonly #decoder: Decoder;
	readonly #painter: Painter;
	readonly #meter = new Meter();
	readonly #clock: () => ClockOffset | null;
	#shown: Picture["header"] | null = null;
	#presentationTime: number | null = null;
	#watchedTime: number | null = null;

	/** `clock` is the present connection's. */
	constructor(canvas: Canvas, clock: () => ClockOffset | null) {
		this.#clock = clock;
		this.#painter = new Painter(canvas, (picture, time) => this.#painted(picture, time));
		this.#decoder = new Decoder((picture) => this.#painter.offer(picture));
	}

	offer(frame: Frame): void {
		this.#meter.received(frame.receiveTime, HEADER_BYTES + frame.body.byteLength);
		this.#decoder.offer(frame);
	}

	/** Whether the relay is asked for this camera. */
	set isWatched(isWatched: boolean) {
		if (isWatched === (this.#watchedTime !== null)) return;
		this.#watchedTime = isWatched ? localNow() : null;
		if (isWatched) this.#meter.reset();
	}

	/** What comes next may be from another encoder or over another connection. */
	restart(): void {
		this.#decoder.restart();
	}

	stats(now: number): CameraStats {
		const age = this.#meter.age(now);
		return {
			rendition: this.#shown?.rendition ?? null,
			frameWidth: this.#shown?.width ?? 0,
			frameHeight: this.#shown?.height ?? 0,
			captureTime: this.#shown?.captureTime ?? null,
			presentationTime: this.#presentationTime,
			watchedTime: this.#watchedTime,
			intervalMs: this.#meter.intervalMs,
			ageMs: age?.ageMs ?? null,
			stages: age?.stages ?? null,
			framesPerSecond: this.#meter.framesPerSecond(now),
			bitsPerSecond: this.#meter.bitsPerSecond(now),
			processingDuration: this.#meter.processingDuration,
			frames: this.#meter.frames,
			replaced: this.#decoder.replaced + this.#decoder.late + this.#painter.replaced,
			undecodable: this.#decoder.undecodable,
			picturesOpen: this.#decoder.picturesOpen,
		};
	}

	close(): void {
		this.#decoder.restart();
		this.#painter.close();
	}

	#painted({ header, receiveTime, processingDuration }: Picture, time: number): void {
		this.#shown = header;
		this.#presentationTime = time;
		const clock = this.#clock();
		this.#meter.painted(
			time,
			clock?.isKnown
				? {
						...header,
						receiveTime: clock.toRelay(receiveTime),
						presentationTime: clock.toRelay(time),
						processingDuration,
					}
				: null,
		);
	}
}
