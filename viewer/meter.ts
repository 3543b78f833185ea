import { Rolling } from "#shared/rolling.ts";

const RATE_WINDOW_MS = 2_000;
const AGE_WINDOW_MS = 500; // the age shown follows a change within half a second, yet does not flicker with single frames
const MAX_AGES = 64; // of one window: 60 frames a second and some
const GAPS_KEPT = 9; // odd, so that their median is one of them

/** Where a picture's age came from; the five sum up to it exactly. ms. */
export interface Stages {
	/** Capture to encoded. */
	encodeMs: number;
	uplinkMs: number;
	/** Waited at the relay. */
	relayMs: number;
	downlinkMs: number;
	/** Received to painted. */
	drawMs: number;
}

/** Times of one painted frame, all in the relay's clock. */
export interface Painted {
	captureTime: number;
	encodeMs: number;
	relayTime: number;
	sendTime: number;
	receiveTime: number;
	presentationTime: number;
	processingDuration: number;
}

interface Age {
	time: number;
	ageMs: number;
	stages: Stages;
}

/** Measures what one camera shows. Pure: every instant is passed in, ms. */
export class Meter {
	/** Frames painted since the page was opened. */
	frames = 0;
	/** Decoding of the last frame, ms. */
	processingDuration = 0;
	readonly #bits = new Rolling(RATE_WINDOW_MS);
	readonly #paints = new Rolling(RATE_WINDOW_MS);
	#ages: Age[] = [];
	#gaps: number[] = [];
	#captureTime: number | null = null;

	received(now: number, bytes: number): void {
		this.#bits.add(now, bytes * 8);
	}

	/** `painted` is null while the relay's clock is not known: the frame counts, its age does not. */
	painted(now: number, painted: Painted | null): void {
		this.frames++;
		this.#paints.add(now, 1);
		if (!painted) return;
		this.processingDuration = painted.processingDuration;
		if (this.#captureTime !== null && painted.captureTime > this.#captureTime)
			this.#gaps = [...this.#gaps, painted.captureTime - this.#captureTime].slice(-GAPS_KEPT);
		this.#captureTime = painted.captureTime;
		this.#ages.push({
			time: now,
			ageMs: painted.presentationTime - painted.captureTime,
			stages: stagesOf(painted),
		});
		if (this.#ages.length > MAX_AGES) this.#ages.shift();
	}

	/** The frame of median age of the last half second, or the last frame where there is less than one. */
	age(now: number): { ageMs: number; stages: Stages } | null {
		const last = this.#ages.at(-1);
		this.#ages = this.#ages.filter((age) => age === last || now - age.time < AGE_WINDOW_MS);
		return this.#ages.toSorted((a, b) => a.ageMs - b.ageMs)[(this.#ages.length - 1) >> 1] ?? null;
	}

	/** Median distance of captures shown, ms; null before two frames. */
	get intervalMs(): number | null {
		return this.#gaps.toSorted((a, b) => a - b)[this.#gaps.length >> 1] ?? null;
	}

	framesPerSecond(now: number): number {
		return this.#paints.perSecond(now);
	}

	bitsPerSecond(now: number): number {
		return this.#bits.perSecond(now);
	}

	/** Forgets rates and ages, because what comes next has nothing to do with what was. */
	reset(): void {
		this.#bits.reset();
		this.#paints.reset();
		this.#ages = [];
		this.#captureTime = null;
	}
}

function stagesOf(painted: Painted): Stages {
	return {
		encodeMs: painted.encodeMs,
		uplinkMs: painted.relayTime - painted.captureTime - painted.encodeMs,
		relayMs: painted.sendTime - painted.relayTime,
		downlinkMs: painted.receiveTime - painted.sendTime,
		drawMs: painted.presentationTime - painted.receiveTime,
	};
}
