const LEAST_MS = 2_000; // a camera in the dark may fall to one picture a second
const INTERVALS = 3;
const KNOWN_MS = 5_000; // of packets before their pace is believed
const GENERATION_MS = 10_000; // a pace this old still counts, one twice as old does not

/**
 * How long a source may be silent before it is taken for hung: three times its own longest pause of late, at least
 * two seconds, never more than the limit, which also holds while its pace is unknown. Pure: instants are passed in.
 */
export class Patience {
	readonly #mostMs: number;
	#firstTime: number | null = null;
	#heardTime = 0;
	#generationTime = 0;
	#longestMs = 0;
	#longestBeforeMs = 0;

	constructor(mostMs: number) {
		this.#mostMs = mostMs;
	}

	/** Something came. */
	heard(now: number): void {
		if (this.#firstTime === null) {
			this.#firstTime = now;
			this.#generationTime = now;
		} else this.#longestMs = Math.max(this.#longestMs, now - this.#heardTime);
		this.#heardTime = now;
		if (now - this.#generationTime < GENERATION_MS) return;
		this.#generationTime = now;
		this.#longestBeforeMs = this.#longestMs;
		this.#longestMs = 0;
	}

	/** From the last thing heard. */
	get ms(): number {
		if (this.#firstTime === null || this.#heardTime - this.#firstTime < KNOWN_MS) return this.#mostMs;
		const pauseMs = Math.max(this.#longestMs, this.#longestBeforeMs);
		return Math.min(this.#mostMs, Math.max(LEAST_MS, INTERVALS * pauseMs));
	}
}
