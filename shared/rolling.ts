interface Entry {
	time: number;
	amount: number;
}

/** Sum of the amounts of the last `windowMs`, and their rate. Memory is bounded by the events of one window. */
export class Rolling {
	readonly #windowMs: number;
	#entries: Entry[] = [];
	#sum = 0;
	#startTime: number | null = null;

	constructor(windowMs: number) {
		this.#windowMs = windowMs;
	}

	add(now: number, amount: number): void {
		if (this.#startTime === null) {
			// What it stands for came before the window: counted, n events would be spread over n - 1 intervals.
			this.#startTime = now;
			return;
		}
		this.#entries.push({ time: now, amount });
		this.#sum += amount;
		this.#expire(now);
	}

	/**
	 * Amount per second. The first event only starts the window. Before a whole window has passed it divides by the time since the first event, so that
	 * a rate is right from the start and not after a climb.
	 */
	perSecond(now: number): number {
		this.#expire(now);
		if (this.#startTime === null || this.#entries.length === 0) return 0;
		const spanMs = Math.min(this.#windowMs, now - this.#startTime);
		return spanMs <= 0 ? 0 : (this.#sum * 1000) / spanMs;
	}

	/** Forgets everything: the next event starts a new window. */
	reset(): void {
		this.#entries = [];
		this.#sum = 0;
		this.#startTime = null;
	}

	#expire(now: number): void {
		let gone = 0;
		for (const entry of this.#entries) {
			if (now - entry.time < this.#windowMs) break;
			this.#sum -= entry.amount;
			gone++;
		}
		if (gone > 0) this.#entries.splice(0, gone);
		if (this.#entries.length === 0) this.#sum = 0;
	}
}
