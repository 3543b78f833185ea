import type { Trace } from "./trace.ts";

/** What a path does to what passes it; instants of `now` below are ms since the trace's start. */
export interface PathShape {
	/** null: as fast as it comes. */
	trace: Trace | null;
	/** Taken while this many bytes wait for their turn, at least one item always is. */
	bufferBytes: number;
	/** Propagation, after the last byte has left. */
	delayMs: number;
}

interface Item<T> {
	value: T;
	bytes: number;
	departs: number;
	arrives: number;
}

/** One direction of a link: a bounded FIFO, served at the trace's rate, then a delay. Pure: time is passed in. */
export class Bottleneck<T> {
	/** Bytes that have left the queue. */
	servedBytes = 0;
	/** Bytes waiting for their turn or being sent. */
	queuedBytes = 0;
	readonly #shape: PathShape;
	#items: Item<T>[] = [];
	#arrived = 0; // items before this index are gone
	#departed = 0;
	#busyUntil = 0;

	constructor(shape: PathShape) {
		this.#shape = shape;
	}

	/** Whether an item offered now would be taken. */
	hasRoom(now: number, bytes = 0): boolean {
		this.#depart(now);
		return this.queuedBytes === 0 || this.queuedBytes + bytes <= this.#shape.bufferBytes;
	}

	/** Puts an item at the end of the queue, however full it is. */
	push(now: number, value: T, bytes: number): void {
		this.#depart(now);
		const { trace, delayMs } = this.#shape;
		const starts = Math.max(now, this.#busyUntil);
		this.#busyUntil = trace ? Math.max(starts, trace.timeOf(trace.bytesUntil(starts) + bytes)) : starts;
		this.queuedBytes += bytes;
		this.#items.push({ value, bytes, departs: this.#busyUntil, arrives: this.#busyUntil + delayMs });
	}

	/** The next item that has arrived by now, or null. */
	take(now: number): T | null {
		this.#depart(now);
		const item = this.#items[this.#arrived];
		if (!item || item.arrives > now) return null;
		this.#arrived++;
		if (this.#arrived > 1_024) {
			this.#items.splice(0, this.#arrived);
			this.#departed -= this.#arrived;
			this.#arrived = 0;
		}
		return item.value;
	}

	/** When the next item arrives; Infinity when none is under way. */
	get nextArrival(): number {
		return this.#items[this.#arrived]?.arrives ?? Number.POSITIVE_INFINITY;
	}

	/** When the item at the head has left and there is room again; Infinity when none waits. */
	get nextDeparture(): number {
		return this.#items[this.#departed]?.departs ?? Number.POSITIVE_INFINITY;
	}

	#depart(now: number): void {
		for (
			let item = this.#items[this.#departed];
			item && item.departs <= now;
			item = this.#items[this.#departed]
		) {
			this.#departed++;
			this.queuedBytes -= item.bytes;
			this.servedBytes += item.bytes;
		}
	}
}
