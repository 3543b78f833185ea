const APART_MS = 500; // between two requests of one rendition: a key is five to ten times as large as another frame

/**
 * Which keys of one camera its agent is to be asked for: one for all who wait for it. Pure: `now` is passed in, ms, any
 * monotonic clock.
 */
export class KeyRequests {
	#wanted = new Set<number>();
	#askedTime = new Map<number, number>();

	/** Somebody can go on with a key of this rendition only. */
	want(rendition: number): void {
		this.#wanted.add(rendition);
	}

	/** A key came: whoever waited for one has it. */
	arrived(rendition: number): void {
		this.#wanted.delete(rendition);
	}

	/** The agent gives one without being asked. */
	comesUnasked(rendition: number, now: number): void {
		this.#asked(rendition, now);
	}

	/** The renditions to ask for now, each at most once in 500 ms; the caller asks. */
	take(now: number): number[] {
		if (this.#wanted.size === 0) return [];
		const due = [...this.#wanted].filter(
			(rendition) => now - (this.#askedTime.get(rendition) ?? Number.NEGATIVE_INFINITY) >= APART_MS,
		);
		for (const rendition of due) this.#asked(rendition, now);
		return due;
	}

	#asked(rendition: number, now: number): void {
		this.#wanted.delete(rendition);
		this.#askedTime.set(rendition, now);
	}
}
