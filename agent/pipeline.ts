import { localNow } from "#shared/clock.ts";
import { MAX_BODY_BYTES } from "#shared/frame.ts";
import { type Rendition, renditionsFor, type Size } from "#shared/ladder.ts";
import type { AgentStats } from "#shared/protocol.ts";
import type { EncodeSlots } from "./encode-slots.ts";
import { encodeJpeg } from "./jpeg-encoder.ts";
import type { RawFrame } from "./raw-frame.ts";

const STARVED_MS = 500; // a switch to a rendition waits for its first frame, so there must be one

/** One encoded frame, on its way to the uplink. */
export interface EncodedFrame {
	rendition: Rendition;
	epoch: number;
	seq: number;
	body: Uint8Array;
	/** Agent's clock. */
	captureTime: number;
	encodeMs: number;
}

/** Where encoded frames go. */
export interface FrameSink {
	/** Whether a frame sent now would arrive without queueing; a frame that cannot go is not even encoded. */
	admits(intervalMs: number): boolean;
	/** The same for a further rendition of the same raw frame, behind those that are about to be sent. */
	admitsBehind(intervalMs: number, frame: { bytes: number; aheadBytes: number }): boolean;
	send(frame: EncodedFrame): void;
}

/** Encodes each raw frame of one camera into the demanded renditions the uplink has room for. */
export class Pipeline {
	/** Raw frames taken in. */
	captured = 0;
	readonly #sink: FrameSink;
	readonly #slots: EncodeSlots;
	readonly #counters = new Map<number, AgentStats["renditions"][number]>();
	readonly #seq = new Map<number, number>();
	readonly #lastBytes = new Map<number, number>();
	readonly #admittedTime = new Map<number, number>();
	#renditions: Rendition[] = [];
	#demanded: readonly number[] = [];
	#epoch = 0;
	#intervalMs = 1000 / 30;

	constructor(sink: FrameSink, slots: EncodeSlots) {
		this.#sink = sink;
		this.#slots = slots;
	}

	get renditions(): Rendition[] {
		return this.#renditions;
	}

	/** Newest epoch used. */
	get epoch(): number {
		return this.#epoch;
	}

	/** What each rendition made, since the start. */
	get counters(): AgentStats["renditions"] {
		return [...this.#counters.values()];
	}

	/** The source has this format from now on: new renditions, new epoch. */
	reset(size: Size, framesPerSecond: number | null): void {
		this.#renditions = renditionsFor(size);
		this.#intervalMs = 1000 / (framesPerSecond || 30);
		this.startEpoch(this.#epoch);
	}

	/** Starts an epoch greater than `epoch` and than every one before. */
	startEpoch(epoch: number): void {
		this.#epoch = Math.max(epoch, this.#epoch) + 1;
		this.#seq.clear();
	}

	/** The full set of rendition ids to make. */
	demand(ids: readonly number[]): void {
		this.#demanded = ids;
	}

	/** Encodes and sends; resolves when all of it is done. Frees `raw`. Rejects when an encoder fails. */
	async process(raw: RawFrame): Promise<void> {
		this.captured++;
		try {
			await Promise.all(this.#admitted().map((rendition) => this.#make(raw, rendition)));
		} finally {
			raw.free();
		}
	}

	/**
	 * The demanded renditions the uplink has room for: the smallest first, so that a sudden lack costs the largest;
	 * but one that had to wait too long goes before all, or it would never come behind the others.
	 */
	#admitted(): Rendition[] {
		const now = localNow();
		const waitedMs = ({ id }: Rendition) => now - (this.#admittedTime.get(id) ?? Number.NEGATIVE_INFINITY);
		const isStarved = (rendition: Rendition) => Number(waitedMs(rendition) > STARVED_MS);
		const wanted = this.#renditions
			.filter(({ id }) => this.#demanded.includes(id))
			.sort((a, b) => isStarved(b) - isStarved(a) || this.#bytesOf(a) - this.#bytesOf(b));
		let aheadBytes = 0;
		return wanted.filter((rendition) => {
			const bytes = this.#bytesOf(rendition);
			const isAdmitted =
				aheadBytes === 0
					? this.#sink.admits(this.#intervalMs)
					: this.#sink.admitsBehind(this.#intervalMs, { bytes, aheadBytes });
			if (!isAdmitted) this.#counter(rendition.id).notEncoded++;
			else {
				aheadBytes += bytes;
				this.#admittedTime.set(rendition.id, now);
			}
			return isAdmitted;
		});
	}

	/** Bytes to expect: those of the last frame, before the first what an average scene takes. */
	#bytesOf({ id, nominalBytes }: Rendition): number {
		return this.#lastBytes.get(id) ?? nominalBytes;
	}

	async #make(raw: RawFrame, rendition: Rendition): Promise<void> {
		const counter = this.#counter(rendition.id);
		const epoch = this.#epoch;
		const body = await this.#slots.run(() => encodeJpeg(raw, rendition));
		counter.encoded++;
		this.#lastBytes.set(rendition.id, body.length);
		if (body.length > MAX_BODY_BYTES) {
			counter.refused++;
			return;
		}
		if (epoch !== this.#epoch) return; // the source changed meanwhile
		const seq = this.#seq.get(rendition.id) ?? 0;
		this.#seq.set(rendition.id, seq + 1);
		const { captureTime } = raw;
		this.#sink.send({ rendition, epoch, seq, body, captureTime, encodeMs: localNow() - captureTime });
	}

	#counter(id: number): AgentStats["renditions"][number] {
		let counter = this.#counters.get(id);
		if (!counter) {
			counter = { id, encoded: 0, notEncoded: 0, refused: 0 };
			this.#counters.set(id, counter);
		}
		return counter;
	}
}
