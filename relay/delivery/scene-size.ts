import type { Codec } from "#shared/frame.ts";
import type { Rendition } from "#shared/ladder.ts";

const MEMORY = 0.1; // weight of the newest frame in the running means
const FRESH_MS = 2_000; // a rendition made this lately speaks for itself
const BPS_PER_BYTE_MS = 8_000;
const KEY_MEMORY = 0.5; // there are few keys
const KEY_FACTOR = 6; // what a key takes of an average frame, before one was seen (bench codecs: 5 to 9)

interface Seen {
	bytes: number;
	time: number;
}

/**
 * How large frames of a camera's scene are: by what was received of a rendition lately, else by its nominal size and
 * how much larger or smaller than nominal the others of its codec come out. Sizes differ up to sixfold between scenes.
 * Where not every frame is a key, keys are counted apart: each would pass for a change of the scene.
 */
export class SceneSize {
	// What still pictures and inter-coded ones take of a scene says little about each other.
	#factors: Record<Codec, number> = { jpeg: 1, h264: 1 };
	#seen = new Map<number, Seen>();
	#keyBytes = new Map<number, number>();

	/** Notes a received frame. */
	add(rendition: Rendition, { bytes, isKey }: { bytes: number; isKey: boolean }, now: number): void {
		const { id, codec, nominalBytes } = rendition;
		if (isKey && codec !== "jpeg") {
			const before = this.#keyBytes.get(id) ?? bytes;
			this.#keyBytes.set(id, before + KEY_MEMORY * (bytes - before));
			return;
		}
		this.#factors[codec] += MEMORY * (bytes / nominalBytes - this.#factors[codec]);
		const seen = this.#seen.get(id);
		if (!seen || now - seen.time > FRESH_MS) this.#seen.set(id, { bytes, time: now });
		else {
			seen.bytes += MEMORY * (bytes - seen.bytes);
			seen.time = now;
		}
	}

	/** Bytes to expect of a frame that can be decoded alone. */
	keyBytesOf(rendition: Rendition, now: number, intervalMs: number): number {
		const bytes = this.bytesOf(rendition, now, intervalMs);
		return rendition.codec === "jpeg" ? bytes : (this.#keyBytes.get(rendition.id) ?? KEY_FACTOR * bytes);
	}

	/** Bytes to expect of a frame, of inter-coded ones on an average between keys; `intervalMs`: the source's. */
	bytesOf(rendition: Rendition, now: number, intervalMs: number): number {
		const seen = this.#seen.get(rendition.id);
		if (seen && now - seen.time <= FRESH_MS) return seen.bytes;
		const bytes = rendition.nominalBytes * this.#factors[rendition.codec];
		if (rendition.codec === "jpeg") return bytes;
		return Math.min(bytes, (rendition.maxBps / BPS_PER_BYTE_MS) * intervalMs);
	}
}
