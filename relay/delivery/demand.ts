const LINGER_MS = 2_000; // longer than a page reload, so that F5 does not restart an encoder

/**
 * How many subscribers each rendition of one camera has, and which renditions are therefore demanded: all that have
 * one, and for a while those that had. Pure: `now` is passed in, ms, any monotonic clock.
 */
export class CameraDemand {
	#counts = new Map<number, number>();
	#lingering = new Map<number, number>(); // rendition -> until when

	/** One more subscriber; counts at once. */
	add(rendition: number): void {
		this.#counts.set(rendition, this.countOf(rendition) + 1);
		this.#lingering.delete(rendition);
	}

	/** One fewer; the last one's rendition stays demanded for the linger. */
	remove(rendition: number, now: number): void {
		const left = this.countOf(rendition) - 1;
		if (left < 0) throw new RangeError(`rendition ${rendition} has no subscriber to remove`);
		if (left > 0) {
			this.#counts.set(rendition, left);
			return;
		}
		this.#counts.delete(rendition);
		this.#lingering.set(rendition, now + LINGER_MS);
	}

	countOf(rendition: number): number {
		return this.#counts.get(rendition) ?? 0;
	}

	/** Subscribers by rendition. */
	get counts(): ReadonlyMap<number, number> {
		return this.#counts;
	}

	/** The demanded renditions, ascending. */
	renditions(now: number): number[] {
		for (const [rendition, until] of this.#lingering) if (until <= now) this.#lingering.delete(rendition);
		return [...this.#counts.keys(), ...this.#lingering.keys()].sort((a, b) => a - b);
	}
}
