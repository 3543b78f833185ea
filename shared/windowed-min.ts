const BUCKETS = 10;

/** Smallest value of the last `windowMs`, within a tenth of that window; Infinity when there is none. */
export class WindowedMin {
	readonly #windowMs: number;
	#buckets: { time: number; value: number }[] = [];

	constructor(windowMs: number) {
		this.#windowMs = windowMs;
	}

	add(now: number, value: number): void {
		const last = this.#buckets.at(-1);
		if (last && now - last.time < this.#windowMs / BUCKETS) last.value = Math.min(last.value, value);
		else this.#buckets.push({ time: now, value });
		while (this.#buckets.length > 1 && now - this.#buckets[0]!.time > this.#windowMs) this.#buckets.shift();
	}

	get value(): number {
		let min = Number.POSITIVE_INFINITY;
		for (const bucket of this.#buckets) if (bucket.value < min) min = bucket.value;
		return min;
	}
}
