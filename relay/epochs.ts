const FIRST = 1_000_000; // an agent may have counted for long before this relay knew its camera
const AT_ONCE = 1_000;
const PER_MS = 1 / 100; // no source or connection starts anew more often for long

/**
 * How far the epochs of one camera have come, over all its agents. They count one by one and never go back, so a wild
 * one would lock the camera for ever: at ten a second on average the 32 bits last 13 years. Pure: `now` is passed in,
 * ms, any monotonic clock.
 */
export class Epochs {
	/** 0 before the first. */
	newest = 0;
	#first: { epoch: number; time: number } | null = null;

	/** The greatest that can be one of an agent that counts. */
	greatest(now: number): number {
		if (!this.#first) return FIRST;
		return this.#first.epoch + AT_ONCE + Math.floor((now - this.#first.time) * PER_MS);
	}

	/** A frame of this epoch came; false when it is of encoders that are gone. */
	take(epoch: number, now: number): boolean {
		this.#first ??= { epoch, time: now };
		if (epoch < this.newest) return false;
		this.newest = epoch;
		return true;
	}
}
