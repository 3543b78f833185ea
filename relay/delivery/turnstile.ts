/**
 * Lets some through at once and then one at a time, never faster than the interval on average. Pure: instants are
 * passed in, any monotonic clock.
 */
export class Turnstile {
	readonly #atOnce: number;
	readonly #intervalMs: number;
	#paidTime = Number.NEGATIVE_INFINITY; // everything let through is paid for by then

	constructor({ atOnce, intervalMs }: { atOnce: number; intervalMs: number }) {
		this.#atOnce = atOnce;
		this.#intervalMs = intervalMs;
	}

	/** Whether one may pass now; if so it has. */
	passes(now: number): boolean {
		const paidTime = Math.max(now, this.#paidTime) + this.#intervalMs;
		if (paidTime - now > this.#atOnce * this.#intervalMs) return false;
		this.#paidTime = paidTime;
		return true;
	}
}
