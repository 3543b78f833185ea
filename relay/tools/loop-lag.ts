import { Histogram } from "../histogram.ts";

const BOUNDS_MS = [1, 2, 5, 10, 20, 50, 100, 250, 1_000];

/** How late a timer of `intervalMs` comes: the time this process was busy with something else. `now` is ms. */
export class LoopLag {
	readonly histogram = new Histogram(BOUNDS_MS);
	readonly #intervalMs: number;
	#lastTime: number | null = null;

	constructor(intervalMs: number) {
		this.#intervalMs = intervalMs;
	}

	/** Call with every turn of the timer. */
	turn(now: number): void {
		if (this.#lastTime !== null) this.histogram.add(Math.max(0, now - this.#lastTime - this.#intervalMs));
		this.#lastTime = now;
	}
}
