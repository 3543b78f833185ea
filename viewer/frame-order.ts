import type { FrameHeader } from "#shared/frame.ts";

const OTHER_CLOCK_MS = 5_000; // no frame comes this late: a relay with another clock is answering

type Instant = Pick<FrameHeader, "epoch" | "captureTime">;

/** Gives the frames of one camera their places: a frame behind a newer one has none. */
export class FrameOrder {
	#places = 0;
	/** Without an epoch: the next frame sets it. */
	#newest: { epoch: number | null; captureTime: number } | null = null;

	/** The frame's place, greater than all before; null when a newer one came earlier. */
	take({ epoch, captureTime }: Instant): number | null {
		if (this.#newest && isOlder({ epoch, captureTime }, this.#newest)) return null;
		this.#newest = { epoch, captureTime };
		return this.#places++;
	}

	/** The camera starts anew, maybe on another machine with another clock: any frame is newer than what was. */
	restart(): void {
		this.#newest = null;
	}

	/** Frames come over another connection, maybe of a relay that counts other epochs: only the capture's time decides. */
	reconnected(): void {
		if (this.#newest) this.#newest = { ...this.#newest, epoch: null };
	}
}

function isOlder(frame: Instant, than: { epoch: number | null; captureTime: number }): boolean {
	const byMs = than.captureTime - frame.captureTime;
	if (than.epoch === null) return byMs > 0 && byMs < OTHER_CLOCK_MS;
	if (frame.epoch !== than.epoch) return frame.epoch < than.epoch;
	return byMs > 0;
}
