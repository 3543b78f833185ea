/** An encoded picture on its way to the decoder. */
export interface Encoded {
	/** Decodable without the ones before it. */
	readonly isKey: boolean;
	readonly byteLength: number;
	free(): void;
}

const MAX_PACKETS = 600; // 20 s at 30 fps: longer than the usual time between key pictures
const MAX_BYTES = 32 * 1024 * 1024;

/**
 * What is not decoded yet, never more than back to the last key picture: enough to show the present at once.
 * Owns what it holds. A stream of key pictures alone leaves room for one, the newest.
 */
export class Backlog<T extends Encoded> {
	/** Encoded pictures that gave way to newer ones, or to the bounds, without being decoded. */
	replaced = 0;
	#waiting: T[] = [];
	#bytes = 0;
	#needsKey = true;
	#gap = false;
	#wake: (() => void) | null = null;

	get length(): number {
		return this.#waiting.length;
	}

	/** Takes `encoded`; never waits. */
	offer(encoded: T): void {
		if (encoded.isKey) {
			this.#drop();
			this.#needsKey = false;
		}
		if (this.#needsKey || this.#waiting.length >= MAX_PACKETS || this.#bytes > MAX_BYTES) {
			this.#drop();
			this.#needsKey = true;
			this.#gap = true;
			this.replaced++;
			encoded.free();
			return;
		}
		this.#waiting.push(encoded);
		this.#bytes += encoded.byteLength;
		this.#wake?.();
	}

	/** The next one in decoding order, the caller's from now on; `gap` when ones before it were left out. */
	take(): { encoded: T; gap: boolean } | null {
		const encoded = this.#waiting.shift();
		if (!encoded) return null;
		this.#bytes -= encoded.byteLength;
		const gap = this.#gap;
		this.#gap = false;
		return { encoded, gap };
	}

	/** Leaves out everything up to the next key picture: what follows damage would be drawn on damage. */
	skipToKey(): void {
		this.#gap = true;
		if (this.#waiting[0]?.isKey) return;
		this.#drop();
		this.#needsKey = true;
	}

	/** Resolves when there is something to take or the signal aborts. One waiter at a time. */
	async whenFilled(signal: AbortSignal): Promise<void> {
		if (this.#waiting.length > 0 || signal.aborted) return;
		const { promise, resolve } = Promise.withResolvers<void>();
		const wake = () => resolve();
		this.#wake = wake;
		signal.addEventListener("abort", wake);
		await promise;
		this.#wake = null;
		signal.removeEventListener("abort", wake);
	}

	/** Frees what waits. */
	close(): void {
		this.#drop();
	}

	#drop(): void {
		if (this.#waiting.length > 0) this.#gap = true;
		this.replaced += this.#waiting.length;
		for (const encoded of this.#waiting) encoded.free();
		this.#waiting = [];
		this.#bytes = 0;
	}
}
