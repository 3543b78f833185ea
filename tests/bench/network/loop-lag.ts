const INTERVAL_MS = 10;

/** How late this process's event loop is: what disturbs the measurement itself. */
export class LoopLag {
	readonly #late: number[] = [];
	readonly #timer: Timer;
	#due = performance.now() + INTERVAL_MS;

	constructor() {
		this.#timer = setInterval(() => {
			const now = performance.now();
			this.#late.push(Math.max(0, now - this.#due));
			this.#due = now + INTERVAL_MS;
		}, INTERVAL_MS);
		this.#timer.unref();
	}

	/** Ms later than due, all since the last call, ascending. */
	take(): number[] {
		return this.#late.splice(0).sort((a, b) => a - b);
	}
}
