/** Keeps to a rate on average: what is next is due an interval after the last was due, not after it came. */
export class Pace {
	#dueTime = Number.NEGATIVE_INFINITY;

	/** Whether a frame that comes now is to be taken; `framesPerSecond` null takes all. */
	takes(now: number, framesPerSecond: number | null): boolean {
		if (framesPerSecond === null) return true;
		if (now < this.#dueTime) return false;
		this.#dueTime = Math.max(this.#dueTime + 1000 / framesPerSecond, now);
		return true;
	}
}
