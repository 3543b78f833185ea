/**
 * Lets a fixed number of encodes run at once, over all cameras: more would only make each of them later, and starve
 * everything else that needs the process's thread pool.
 */
export class EncodeSlots {
	#free: number;
	#waiting: (() => void)[] = []; // at most one per rendition: a pipeline starts no frame before the last is done

	constructor(slots: number) {
		this.#free = slots;
	}

	async run<T>(encode: () => Promise<T>): Promise<T> {
		if (this.#free > 0) this.#free--;
		else await new Promise<void>((resolve) => this.#waiting.push(resolve));
		try {
			return await encode();
		} finally {
			const next = this.#waiting.shift();
			if (next) next();
			else this.#free++;
		}
	}
}
