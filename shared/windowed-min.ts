const BUCKETS = 10;

/** Smallest value of the last `windowMs`, within a tenth of that window; Infinity when there is none. */
export class WindowedMin {
	readonly #windowMs: number;
	#buckets: { time: number; value: number }[] = [];
	/** The smallest value; Infinity before the first. */
	value = Number.POSITIVE_INFINITY;

	constructor(windowMs: number) {
		this.#windowMs = windowMs;
	}

	add(now: number, value: number): void {
		const last = this.#buckets.at(-1);
		if (value < this.value) this.value = value;
		if (last && now - last.time < this.#windowMs / BUCKETS) {
			if (value < last.value) last.value = value;
			return;
		}
		this.#buckets.push({ time: now, value });
		while (this.#buckets.length > 1 && now - this.#buckets[0]!.time > this.#windowMs) this.#buckets.shift();
		this.value = Number.POSITIVE_INFINITY;
		for (const bucket of this.#buckets) if (bucket.value < this.value) this.value = bucket.value;
	}

	clear(): void {
		this.#buckets = [];
		this.value = Number.POSITIVE_INFINITY;
	}
}
