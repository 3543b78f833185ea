import type { Rendition } from "#shared/ladder.ts";

const MEMORY = 0.1; // weight of the newest frame in the running means
const FRESH_MS = 2_000; // a rendition made this lately speaks for itself

interface Seen {
	bytes: number;
	time: number;
}

/**
 * How large frames of a camera's scene are: by what was received of a rendition lately, else by its nominal size and
 * how much larger or smaller than nominal the others come out. Sizes differ up to sixfold between scenes.
 */
export class SceneSize {
	#factor = 1;
	#seen = new Map<number, Seen>();

	/** Notes a received frame. */
	add(rendition: Rendition, bytes: number, now: number): void {
		this.#factor += MEMORY * (bytes / rendition.nominalBytes - this.#factor);
		const seen = this.#seen.get(rendition.id);
		if (!seen || now - seen.time > FRESH_MS) this.#seen.set(rendition.id, { bytes, time: now });
		else {
			seen.bytes += MEMORY * (bytes - seen.bytes);
			seen.time = now;
		}
	}

	/** Bytes to expect of a frame. */
	bytesOf(rendition: Rendition, now: number): number {
		const seen = this.#seen.get(rendition.id);
		if (seen && now - seen.time <= FRESH_MS) return seen.bytes;
		return rendition.nominalBytes * this.#factor;
	}
}
