import { Latest } from "#shared/latest.ts";
import type { Camera, RelayedFrame } from "./camera.ts";

/**
 * One viewer's interest in one camera: which rendition, and the one frame that waits to be sent. Counts every frame
 * it was offered exactly once: sent, replaced, dropped, or still waiting.
 */
export class Subscriber {
	readonly camera: Camera;
	readonly counters = { offered: 0, sent: 0, dropped: 0 };
	readonly #waiting = new Latest<RelayedFrame>();
	readonly #wake: (now: number) => void;
	#asked: number | null;
	#current: number | null = null;
	#next: number | null = null; // demanded, its first frame not here yet
	#cachedFrame: RelayedFrame | null = null;

	/** Call `start` to begin; `wake` is called whenever a frame waits. */
	constructor(camera: Camera, asked: number | null, wake: (now: number) => void) {
		this.camera = camera;
		this.#asked = asked;
		this.#wake = wake;
	}

	/** Joins the camera and offers its newest frame at once. */
	start(now: number): void {
		this.camera.subscribers.add(this);
		this.renditionsChanged(now);
		const cached = this.#current === null ? null : this.camera.cached(this.#current);
		if (!cached) return;
		this.#cachedFrame = cached;
		this.#put(cached, now);
	}

	/** Leaves; idempotent. */
	end(now: number): void {
		if (!this.camera.subscribers.delete(this)) return;
		for (const rendition of [this.#current, this.#next])
			if (rendition !== null) this.camera.demand.remove(rendition, now);
		this.#current = null;
		this.#next = null;
		this.#waiting.clear();
	}

	/** Asks for another rendition (null: the relay decides); false when the camera has no such rendition. */
	ask(rendition: number | null, now: number): boolean {
		const { renditions } = this.camera;
		if (rendition !== null && renditions.length > 0 && !renditions.some(({ id }) => id === rendition))
			return false;
		this.#asked = rendition;
		this.renditionsChanged(now);
		return true;
	}

	/** Looks again which rendition fits; the old one goes on until the new one's first frame is here. */
	renditionsChanged(now: number): void {
		const wanted = this.camera.resolve(this.#asked);
		if (wanted === null || wanted === (this.#next ?? this.#current)) return;
		const { demand } = this.camera;
		if (this.#next !== null) demand.remove(this.#next, now);
		this.#next = null;
		if (wanted === this.#current) return;
		demand.add(wanted);
		if (this.#current === null) this.#current = wanted;
		else this.#next = wanted;
	}

	/** Takes a frame of a rendition it watches; the newest replaces the waiting one. */
	offer(frame: RelayedFrame, now: number): void {
		const { rendition } = frame.header;
		if (rendition === this.#next) {
			if (this.#current !== null) this.camera.demand.remove(this.#current, now);
			this.#current = rendition;
			this.#next = null;
		}
		if (rendition === this.#current) this.#put(frame, now);
	}

	get hasWaiting(): boolean {
		return !this.#waiting.isEmpty;
	}

	get waiting(): RelayedFrame | null {
		return this.#waiting.peek();
	}

	get replaced(): number {
		return this.#waiting.replaced;
	}

	/** Whether this frame came from the cache when joining. */
	isCached(frame: RelayedFrame): boolean {
		return frame === this.#cachedFrame;
	}

	/** Takes the waiting frame out and counts what became of it. */
	settle(fate: "sent" | "dropped"): void {
		if (this.#waiting.take()) this.counters[fate]++;
	}

	#put(frame: RelayedFrame, now: number): void {
		this.counters.offered++;
		this.#waiting.offer(frame);
		this.#wake(now);
	}
}
