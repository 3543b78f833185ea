import type { Ack } from "#shared/ack.ts";
import { FlowWindow } from "#shared/window.ts";
import type { RelayedFrame } from "./camera.ts";
import type { Subscriber } from "./subscriber.ts";

const INITIAL_RATE = 500; // bytes per ms = 4 Mbit/s, until the first acks
const SILENT_MS = 10_000; // nothing acknowledged for this long while frames are out: the viewer stands still

/** How one kind of viewer is given a frame; false when the socket refused it. */
export interface FrameWriter {
	readonly bufferedBytes: number;
	write(frame: RelayedFrame, delivery: number, isCached: boolean): boolean;
}

/**
 * One viewer's connection: a flow window shared by all its subscribers, which take turns. Sends when the window
 * admits and never queues: what cannot go now waits in its subscriber's one-slot box.
 */
export class Downlink {
	readonly counters = { sent: 0, acknowledged: 0, dropped: 0 };
	readonly #writer: FrameWriter;
	readonly #window = new FlowWindow(INITIAL_RATE);
	readonly #subscribers: Subscriber[] = [];
	#delivery = 0;
	#turn = 0;

	constructor(writer: FrameWriter) {
		this.#writer = writer;
	}

	get subscribers(): readonly Subscriber[] {
		return this.#subscribers;
	}

	add(subscriber: Subscriber): void {
		this.#subscribers.push(subscriber);
	}

	remove(subscriber: Subscriber): void {
		const index = this.#subscribers.indexOf(subscriber);
		if (index >= 0) this.#subscribers.splice(index, 1);
	}

	/** Sends what waits and fits. Call when a frame came, an ack came, the socket drained, and every 50 ms. */
	flush(now: number): void {
		for (let subscriber = this.#nextWaiting(); subscriber; subscriber = this.#nextWaiting()) {
			const frame = subscriber.waiting!;
			const bytes = frame.headerBytes.length + frame.body.length;
			// Independent of any ack: a receiver that lies fills one frame of its own socket, no more.
			if (this.#writer.bufferedBytes > bytes) return;
			if (!this.#window.admits(now, subscriber.camera.intervalMs)) return;
			if (!this.#writer.write(frame, this.#delivery, subscriber.isCached(frame))) {
				this.counters.dropped++;
				subscriber.settle("dropped");
				return;
			}
			this.#window.sent(now, this.#delivery, bytes);
			this.#delivery = (this.#delivery + 1) >>> 0;
			this.counters.sent++;
			subscriber.settle("sent");
		}
	}

	acked(now: number, ack: Ack): void {
		const before = this.#window.framesInFlight;
		this.#window.acked(now, ack);
		this.counters.acknowledged += before - this.#window.framesInFlight;
		this.flush(now);
	}

	/** True once the viewer has stopped acknowledging altogether. */
	isStalled(now: number): boolean {
		return this.#window.silentMs(now) > SILENT_MS;
	}

	get roundTripMs(): number {
		return this.#window.roundTripMs;
	}

	#nextWaiting(): Subscriber | null {
		const count = this.#subscribers.length;
		for (let i = 0; i < count; i++) {
			const subscriber = this.#subscribers[(this.#turn + i) % count]!;
			if (!subscriber.hasWaiting) continue;
			this.#turn = (this.#turn + i + 1) % count;
			return subscriber;
		}
		return null;
	}
}
