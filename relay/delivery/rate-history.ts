import type { ServiceSample } from "#shared/window.ts";

const BUCKET_MS = 200;
const KEPT_MS = 5_000;

/** What a link carried in one stretch of time. */
export interface RateBucket {
	/** Start, ms, sender's clock. */
	time: number;
	bytes: number;
	/** How long the link was busy with them, ms. */
	busyMs: number;
	frames: number;
}

/** The rates a link showed over the last five seconds, in stretches of 200 ms. */
export class RateHistory {
	#buckets: RateBucket[] = [];

	/** Oldest first. */
	get buckets(): readonly RateBucket[] {
		return this.#buckets;
	}

	add({ time, bytes, serviceMs }: ServiceSample): void {
		const last = this.#buckets.at(-1);
		if (last && time - last.time < BUCKET_MS) {
			last.bytes += bytes;
			last.busyMs += serviceMs;
			last.frames++;
		} else this.#buckets.push({ time, bytes, busyMs: serviceMs, frames: 1 });
		while (this.#buckets.length > 0 && time - this.#buckets[0]!.time > KEPT_MS) this.#buckets.shift();
	}

	clear(): void {
		this.#buckets = [];
	}
}
