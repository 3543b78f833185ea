import type { RateBucket } from "./rate-history.ts";

/** One rung as the choice sees it. */
export interface Rung {
	/** Bytes of one frame, by what was measured of this scene. */
	bytes: number;
	/** Of one to begin with. */
	keyBytes: number;
	/** How good it looks, 0..1. */
	value: number;
	/** Whether single frames may be left out: where the link is too slow for all of them, fewer come instead of late ones. */
	isSkippable: boolean;
}

/** What is known of a viewer's link now; all from its flow window. */
export interface Link {
	history: readonly RateBucket[];
	roundTripMs: number;
	/** How long the oldest frame in flight has been due, ms, and its size. */
	overdueMs: number;
	headBytes: number;
	/** Bytes per ms sent over the last second. */
	sentRate: number;
	/**
	 * How much of the link's time one frame may take, ms: the source's frame interval, times this camera's share where
	 * several take turns on one link. A whole interval for each would let them take the link's time several times over.
	 */
	intervalMs: number;
}

/** How a viewer weighs a smooth picture against a sharp one. */
export interface Taste {
	/** How much a late frame counts: factor on the time a frame takes. */
	lateness: number;
	/** What losing all frames would cost, in units of value. */
	rareness: number;
	/** Factor on the gains that are worth a change. */
	caution: number;
}

const MEMORY_MS = 1_500; // weight of a bucket falls to 1/e in this time
const FIXED_AGE_MS = 20; // capture, encoding, decoding: what every picture has
const STALLING = 3; // what it costs where no frame can be left out and not all of them fit
const KEY_MS = 150; // a key may take the link this long: what comes behind it has to wait, and may do so for 300 ms
const KEY_INTERVALS = 4.5; // or this many intervals, which are shorter where several cameras share the link

/** What a picture of this age is worth: all of it up to 80 ms, three quarters at 200, nothing from a second on. */
function worthAtAge(ageMs: number): number {
	if (ageMs <= 80) return 1;
	if (ageMs <= 200) return 1 - (0.25 * (ageMs - 80)) / 120;
	return Math.max(0, 0.75 * (1 - (ageMs - 200) / 800));
}

/** How fast the link was lately, stretch by stretch, and how much each counts now. */
export class Evidence {
	#msPerByte: number[] = [];
	#weights: number[] = [];
	#count = 0;
	#sum = 0;

	fill(now: number, { history, overdueMs, headBytes, intervalMs }: Link): void {
		this.#count = 0;
		this.#sum = 0;
		for (let i = 0; i < history.length; i++) {
			const { time, bytes, busyMs, frames } = history[i]!;
			const weight = Math.max(busyMs, frames * intervalMs) * Math.exp((time - now) / MEMORY_MS);
			this.#add(busyMs / bytes, weight);
		}
		if (overdueMs > intervalMs) this.#add(overdueMs / headBytes, overdueMs);
	}

	/** Whether one can begin with this rung without keeping too much waiting. */
	isQuick({ keyBytes, isSkippable }: Rung, { intervalMs }: Link): boolean {
		if (isSkippable) return true;
		let sum = 0;
		for (let i = 0; i < this.#count; i++) sum += this.#weights[i]! * this.#msPerByte[i]!;
		return keyBytes * sum <= Math.min(KEY_MS, KEY_INTERVALS * intervalMs) * this.#sum;
	}

	expectedValue(
		{ bytes, value, isSkippable }: Rung,
		{ intervalMs, roundTripMs }: Link,
		taste: Taste,
	): number {
		const baseMs = FIXED_AGE_MS + roundTripMs / 2;
		const { lateness, rareness } = taste;
		let sum = 0;
		for (let i = 0; i < this.#count; i++) {
			const serviceMs = bytes * this.#msPerByte[i]!;
			const isRarer = serviceMs > intervalMs;
			const shownMs = isRarer ? serviceMs : intervalMs;
			let gained = value * worthAtAge(baseMs + lateness * (serviceMs + shownMs / 2));
			if (isRarer) gained -= (isSkippable ? rareness : STALLING) * (1 - intervalMs / serviceMs);
			sum += this.#weights[i]! * gained;
		}
		return this.#sum > 0 ? sum / this.#sum : -1;
	}

	#add(msPerByte: number, weight: number): void {
		this.#msPerByte[this.#count] = msPerByte;
		this.#weights[this.#count] = weight;
		this.#sum += weight;
		this.#count++;
	}
}
