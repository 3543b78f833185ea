import type { RelayedFrame } from "../camera.ts";

/**
 * What waits to be sent to one subscriber, oldest first. A key replaces everything before it; any other frame is taken
 * only behind the one it builds on, so what is sent can always be decoded. Where all frames are keys it is a one-slot
 * box. Bounded by age, never by count.
 */
export class Backlog {
	/** Frames given up while they waited, because a newer key came or is to come. */
	replaced = 0;
	readonly #frames: RelayedFrame[] = [];
	readonly #onReplaced: (frames: number) => void;
	#last: RelayedFrame["header"] | null = null; // the newest the receiver has or will be sent

	/** `onReplaced` is told how many are given up, each time some are. */
	constructor(onReplaced: (frames: number) => void = () => {}) {
		this.#onReplaced = onReplaced;
	}

	get length(): number {
		return this.#frames.length;
	}

	/** The next to be sent; null when nothing waits. */
	get head(): RelayedFrame | null {
		return this.#frames[0] ?? null;
	}

	/** Rendition of which the receiver has everything since a key; null: it can go on with a key alone. */
	get following(): number | null {
		return this.#last?.rendition ?? null;
	}

	/** Takes a frame; false when it builds on one the receiver was not given: only a key is taken from then on. */
	offer(frame: RelayedFrame): boolean {
		const { header } = frame;
		if (header.isKey) {
			this.#giveUp();
		} else if (!this.#last || !buildsOn(header, this.#last)) {
			this.#last = null;
			return false;
		}
		this.#frames.push(frame);
		this.#last = header;
		return true;
	}

	/** Takes the head out, because it was sent. */
	shift(): void {
		this.#frames.shift();
	}

	/** The receiver will not have the head, nor what builds on it. */
	lose(): void {
		this.#frames.shift();
		this.cut();
	}

	/** Gives up what waits; the receiver can go on with a key alone. */
	cut(): void {
		this.#giveUp();
		this.forget();
	}

	/** Empties it without counting: nobody is there any more. */
	forget(): void {
		this.#frames.length = 0;
		this.#last = null;
	}

	/** How long the oldest has waited that newer ones build on, ms; 0 where there are none: the newest is never too old. */
	ageMs(now: number): number {
		return this.#frames.length > 1 ? now - this.#frames[0]!.header.relayTime : 0;
	}

	#giveUp(): void {
		if (this.#frames.length === 0) return;
		this.replaced += this.#frames.length;
		this.#onReplaced(this.#frames.length);
		this.#frames.length = 0;
	}
}

function buildsOn(header: RelayedFrame["header"], last: RelayedFrame["header"]): boolean {
	return (
		header.rendition === last.rendition && header.epoch === last.epoch && header.seq === (last.seq + 1) >>> 0
	);
}
