import type { Picture } from "../picture.ts";

/** Sees a picture before it is painted; takes its own copy at once, the picture is closed soon. */
export type Tap = (picture: Picture) => void;

/** Who else sees the pictures of a camera: a recording, a floating window. */
export class Taps {
	readonly #taps = new Map<string, Set<Tap>>();

	/** Sees every picture from now on; call what it returns to end that. */
	add(camera: string, tap: Tap): () => void {
		const taps = this.#taps.get(camera) ?? new Set();
		this.#taps.set(camera, taps.add(tap));
		return () => taps.delete(tap);
	}

	see(camera: string, picture: Picture): void {
		for (const tap of this.#taps.get(camera) ?? []) tap(picture);
	}
}
