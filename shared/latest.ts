/**
 * One-slot box: the newest value replaces the waiting one. Never queues, never throws.
 * The box owns a value between `offer` and `take`; a replaced value is handed to `onReplaced`, who frees it.
 */
export class Latest<T> {
	/** Values superseded while they waited. */
	replaced = 0;
	#value: T | null = null;
	#wake: (() => void) | null = null;
	readonly #onReplaced: ((old: T) => void) | undefined;

	constructor(onReplaced?: (old: T) => void) {
		this.#onReplaced = onReplaced;
	}

	get isEmpty(): boolean {
		return this.#value === null;
	}

	/** Puts `value` in the box; true when an older one had to go. */
	offer(value: T): boolean {
		const old = this.#value;
		this.#value = value;
		if (old !== null) {
			this.replaced++;
			this.#onReplaced?.(old);
		}
		this.#wake?.();
		return old !== null;
	}

	/** The waiting value, which the caller owns from now on, or null. */
	take(): T | null {
		const value = this.#value;
		this.#value = null;
		return value;
	}

	/** Looks without taking: the box still owns the value. */
	peek(): T | null {
		return this.#value;
	}

	/** Hands a waiting value to `onReplaced` without counting it: nobody superseded it. */
	clear(): void {
		const value = this.take();
		if (value !== null) this.#onReplaced?.(value);
	}

	/** Waits for a value and takes it; null once the signal aborts. One waiter at a time. */
	async next(signal: AbortSignal): Promise<T | null> {
		while (!signal.aborted) {
			const value = this.take();
			if (value !== null) return value;
			const { promise, resolve } = Promise.withResolvers<void>();
			const wake = () => resolve();
			this.#wake = wake;
			signal.addEventListener("abort", wake, { once: true });
			await promise;
			this.#wake = null;
			// Removed by hand: the signal outlives this call by hours and thirty calls come a second.
			signal.removeEventListener("abort", wake);
		}
		return null;
	}
}
