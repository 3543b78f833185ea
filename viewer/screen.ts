import type { ClockOffset } from "#shared/clock.ts";
import { localNow } from "#shared/clock.ts";
import { HEADER_BYTES } from "#shared/frame.ts";
import { ladderOf, type Rendition } from "#shared/ladder.ts";
import type { WatchedCamera } from "#shared/protocol.ts";
import type { Frame } from "./connection.ts";
import { type Caps, DecodeLoad } from "./decode-load.ts";
import { Decoder } from "./decoder.ts";
import type { Obstacle } from "./h264-support.ts";
import { Meter, type Stages } from "./meter.ts";
import { type Canvas, Painter } from "./painter.ts";
import type { Picture } from "./picture.ts";
import type { Tap } from "./studio/taps.ts";

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
	/** Lines this browser is asked to decode at most, where that is less than fit its tile; null: all that fit. */
	browserLines: number | null;
}

export interface ScreenEvents {
	/** Nothing can be shown before the camera's next key. */
	keyNeeded(): void;
	/** This browser does not decode the camera's H.264. */
	gaveUp(obstacle: Obstacle): void;
}

/** One camera's way to its canvas: decode, paint, measure. */
export class Screen {
	/** Sees every decoded picture before it is painted. */
	tap: Tap | null = null;
	readonly #decoder: Decoder;
	readonly #painter: Painter;
	readonly #meter = new Meter();
	readonly #load = new DecodeLoad();
	readonly #clock: () => ClockOffset | null;
	#wishedLines: number | null = null;
	#shown: Picture["header"] | null = null;
	#presentationTime: number | null = null;
	#watchedTime: number | null = null;

	/** `clock` is the present connection's. */
	constructor(canvas: Canvas, clock: () => ClockOffset | null, events: ScreenEvents) {
		this.#clock = clock;
		this.#painter = new Painter(canvas, (picture, time) => this.#painted(picture, time));
		this.#decoder = new Decoder({
			picture: (picture) => {
				if (picture.busyMs !== null) this.#load.decoded(localNow(), picture.busyMs);
				this.tap?.(picture);
				this.#painter.offer(picture);
			},
			keyNeeded: () => this.#watchedTime !== null && events.keyNeeded(),
			behind: () => this.#load.behind(),
			gaveUp: (obstacle) => events.gaveUp(obstacle),
		});
	}

	offer(frame: Frame): void {
		this.#meter.received(frame.receiveTime, HEADER_BYTES + frame.body.byteLength);
		this.#load.received(frame.header);
		this.#decoder.offer(frame);
	}

	/** What the relay is asked for of this camera; undefined: nothing. */
	set wish(wish: Pick<WatchedCamera, "maxLines"> | undefined) {
		this.#wishedLines = wish?.maxLines ?? null;
		if ((wish !== undefined) === (this.#watchedTime !== null)) return;
		this.#watchedTime = wish ? localNow() : null;
		this.#load.reset();
		if (wish) this.#meter.reset();
		else this.#decoder.rest();
	}

	/** What the browser manages to decode; `adapt` changes it. */
	get caps(): Caps {
		return this.#load.caps;
	}

	/** Looks four times a second whether the browser keeps up; true when `caps` changed. */
	adapt(now: number, renditions: readonly Rendition[]): boolean {
		if (this.#watchedTime === null) return false;
		this.#decoder.check();
		const ladder = ladderOf(renditions, this.#load.codec ?? "jpeg");
		return this.#load.decide(
			now,
			ladder.map(({ width, height }) => Math.min(width, height)),
		);
	}

	/** What comes next may be from another encoder. */
	restart(): void {
		this.#decoder.restart();
	}

	/** What comes next comes over another connection. */
	reconnected(): void {
		this.#decoder.reconnected();
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
			browserLines: this.#browserLines,
		};
	}

	close(): void {
		this.#decoder.rest();
		this.#painter.close();
	}

	get #browserLines(): number | null {
		const { maxLines } = this.#load.caps;
		const isLess = maxLines !== null && maxLines < (this.#wishedLines ?? Number.POSITIVE_INFINITY);
		return isLess ? maxLines : null;
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
