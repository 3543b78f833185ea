import type { FrameHeader } from "#shared/frame.ts";

type Step = Pick<FrameHeader, "isKey" | "epoch" | "rendition" | "seq">;

/**
 * Tells which frames of an inter-coded camera may be decoded: every key, and after it each that builds on the one
 * before. Browsers do not: a decoder that misses a frame draws wrong pictures and raises no error.
 */
export class Continuity {
	#last: Step | null = null;

	/** Whether this frame can be decoded after those taken before it. */
	take(frame: Step): boolean {
		const last = this.#last;
		const isSameStream = last?.epoch === frame.epoch && last.rendition === frame.rendition;
		const isNext = isSameStream && frame.seq === (last.seq + 1) >>> 0;
		if (frame.isKey || isNext) this.#last = frame;
		else if (isSameStream) this.#last = null; // a stray of another stream takes nothing away
		return frame.isKey || isNext;
	}

	/** What was taken is gone: only a key helps. */
	break(): void {
		this.#last = null;
	}
}
