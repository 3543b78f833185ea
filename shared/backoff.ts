const FIRST_MS = 300; // a blip heals before anybody notices, yet a thousand peers do not return in one instant
const CAP_MS = 5_000; // the longest a healed cause may stay unnoticed

/**
 * Waiting times between attempts: a random 0..300 ms first, then doubling to 5 s unless told, the jitter applied after the cap
 * so that peers which failed together do not come back together. One instance belongs to one retry loop.
 */
export class Backoff {
	/** Attempts that failed since the last `reset`. */
	attempt = 0;
	readonly #random: () => number;
	readonly #capMs: number;

	/** `capMs`: the longest wait. */
	constructor(random: () => number = Math.random, capMs = CAP_MS) {
		this.#random = random;
		this.#capMs = capMs;
	}

	/** The next wait in ms; counts one failed attempt. */
	next(): number {
		const ceilingMs = Math.min(this.#capMs, FIRST_MS * 2 ** this.attempt);
		const floorMs = this.attempt === 0 ? 0 : ceilingMs / 2;
		this.attempt++;
		return floorMs + this.#random() * (ceilingMs - floorMs);
	}

	/** Call once an attempt has proven good, so that the next failure is retried at once. */
	reset(): void {
		this.attempt = 0;
	}
}
