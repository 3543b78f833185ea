import type { Frame } from "../connection.ts";

/** How far back a page remembers. */
export interface Span {
	/** Of one camera, by capture. */
	ms: number;
	/** Of all cameras together. */
	bytes: number;
}

const SPAN: Span = { ms: 30_000, bytes: 64 * 1024 * 1024 }; // 30 s at 17 Mbit/s
const OTHER_CLOCK_MS = 5_000; // no frame comes this late: the camera counts by another clock now

/** The frames received last, as they were sent: what a replay shows. Bounded in time and in bytes. */
export class History {
	/** Bodies kept now. */
	bytes = 0;
	readonly #span: Span;
	readonly #frames = new Map<string, Frame[]>(); // oldest first

	constructor(span: Span = SPAN) {
		this.#span = span;
	}

	/** Keeps a frame without copying it; one that is older than the last of its camera is left out. */
	add(camera: string, frame: Frame): void {
		const last = this.#frames.get(camera)?.at(-1)?.header.captureTime ?? Number.NEGATIVE_INFINITY;
		const { captureTime } = frame.header;
		if (captureTime < last - OTHER_CLOCK_MS) this.forget(camera);
		else if (captureTime <= last) return;
		const frames = this.#frames.get(camera) ?? [];
		this.#frames.set(camera, frames);
		frames.push(frame);
		this.bytes += frame.body.byteLength;
		while (frames[0] && frames[0].header.captureTime < captureTime - this.#span.ms) this.#drop(frames);
		while (this.bytes > this.#span.bytes) this.#drop(this.#oldest());
	}

	/** What can be shown of a camera, oldest first, from a key on; the caller's own list. */
	of(camera: string): Frame[] {
		const frames = this.#frames.get(camera) ?? [];
		const first = frames.findIndex(({ header }) => header.isKey);
		return first < 0 ? [] : frames.slice(first);
	}

	/** Forgets cameras that are no more. */
	keepOnly(cameras: ReadonlySet<string>): void {
		for (const camera of [...this.#frames.keys()]) if (!cameras.has(camera)) this.forget(camera);
	}

	forget(camera: string): void {
		for (const { body } of this.#frames.get(camera) ?? []) this.bytes -= body.byteLength;
		this.#frames.delete(camera);
	}

	#drop(frames: Frame[]): void {
		this.bytes -= frames.shift()?.body.byteLength ?? 0;
	}

	#oldest(): Frame[] {
		const filled = [...this.#frames.values()].filter(({ length }) => length > 0);
		return filled.reduce((a, b) => (b[0]!.receiveTime < a[0]!.receiveTime ? b : a));
	}
}
