const FIRST_MS = 300; // a blip heals before anybody notices, yet a thousand peers do not return in one instant
const QUICK_MS = 1_500; // so a peer that restarts is found within two seconds
const QUICK_ATTEMPTS = 8; // seven to ten seconds of them; what lasts longer is no restart
const LATE_MS: Range = [5_000, 6_000];

/** Least and most of a random wait, ms. */
type Range = readonly [least: number, most: number];

/**
 * Waiting times between attempts: a random 0..300 ms first, then doubling to 1.5 s for up to ten seconds, then 5 to 6 s
 * unless told. The jitter is applied after the cap, so that peers which failed together do not come back together. One
 * instance belongs to one retry loop.
 */
export class Backoff {
	/** Attempts that failed since the last `reset`. */
	attempt = 0;
	readonly #random: () => number;
	readonly #lateMs: Range;

	/** `lateMs`: the wait once ten seconds of attempts have failed. */
	constructor(random: () => number = Math.random, lateMs: Range = LATE_MS) {
		this.#random = random;
		this.#lateMs = lateMs;
	}

	/** The next wait in ms; counts one failed attempt. */
	next(): number {
		const [least, most] = this.#range;
		this.attempt++;
		return least + this.#random() * (most - least);
	}

	/** Call once an attempt has proven good, so that the next failure is retried at once. */
	reset(): void {
		this.attempt = 0;
	}

	get #range(): Range {
		if (this.attempt === 0) return [0, FIRST_MS];
		if (this.attempt >= QUICK_ATTEMPTS) return this.#lateMs;
		const most = Math.min(QUICK_MS, FIRST_MS * 2 ** this.attempt);
		return [most / 2, most];
	}
}
