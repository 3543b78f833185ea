import { localNow } from "#shared/clock.ts";
import { MAX_BODY_BYTES } from "#shared/frame.ts";
import { isOwn, type Rendition, renditionsFor, type Size } from "#shared/ladder.ts";
import type { AgentStats } from "#shared/protocol.ts";
import type { EncodeSlots } from "./encode-slots.ts";
import { type EncodedPicture, type Encoder, encoderOf } from "./encoder.ts";
import type { H264Codec } from "./h264-codec.ts";
import type { RawFrame } from "./raw-frame.ts";

const STARVED_MS = 500; // a switch to a rendition waits for its first frame, so there must be one
const USUAL_RATE = 30; // frames per second of a source that does not tell

/** One encoded frame, on its way to the uplink. */
export interface EncodedFrame extends EncodedPicture {
	rendition: Rendition;
	epoch: number;
	/** A frame that is no key builds on the one of `seq - 1`. */
	seq: number;
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
	/** False when it could not go after all. */
	send(frame: EncodedFrame): boolean;
}

/** What is known of one rendition, for as long as the agent runs. */
interface Progress {
	readonly counter: AgentStats["renditions"][number];
	/** While it is in demand, from its first frame on. */
	encoder: Encoder | null;
	isKeyAsked: boolean;
	/** Of the next frame. */
	seq: number;
	/** Of the last frame the next one will resemble. */
	lastBytes: number | null;
	admittedTime: number;
}

/** Makes of each raw frame of one camera the demanded renditions the uplink has room for. */
export class Pipeline {
	/** Raw frames taken in. */
	captured = 0;
	readonly #sink: FrameSink;
	readonly #slots: EncodeSlots;
	readonly #h264: H264Codec;
	readonly #progress = new Map<number, Progress>();
	#renditions: Rendition[] = [];
	#demanded: readonly number[] = [];
	#epoch = 0;
	#framesPerSecond = USUAL_RATE;

	/** `slots` are shared by all cameras; `h264` is the encoder of this machine. */
	constructor(sink: FrameSink, { slots, h264 }: { slots: EncodeSlots; h264: H264Codec }) {
		this.#sink = sink;
		this.#slots = slots;
		this.#h264 = h264;
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
		return Array.from(this.#progress.values(), ({ counter }) => counter);
	}

	/** Whether anything demanded is made from pixels. */
	get wantsPixels(): boolean {
		return this.#renditions.some((one) => this.#demanded.includes(one.id) && !isOwn(one));
	}

	/**
	 * The source has this format from now on: new renditions, new epoch. `ownQuality`: of its own JPEGs, when they can be
	 * passed on.
	 */
	reset(size: Size, framesPerSecond: number | null, ownQuality: number | null = null): void {
		this.#renditions = renditionsFor(size, ownQuality);
		this.#framesPerSecond = framesPerSecond || USUAL_RATE;
		this.startEpoch(this.#epoch);
	}

	/** Starts an epoch greater than `epoch` and than every one before; every encoder starts anew. */
	startEpoch(epoch: number): void {
		this.#epoch = Math.max(epoch, this.#epoch) + 1;
		for (const progress of this.#progress.values()) {
			progress.seq = 0;
			closeEncoder(progress);
		}
	}

	/** The full set of rendition ids to make; encoders of others are closed. */
	demand(ids: readonly number[]): void {
		this.#demanded = ids;
		for (const [id, progress] of this.#progress) if (!ids.includes(id)) closeEncoder(progress);
	}

	/** The next frame of this rendition is to be a key. */
	askKey(id: number): void {
		const progress = this.#progress.get(id); // none: its first frame is a key anyway
		if (progress) progress.isKeyAsked = true;
	}

	/** Encodes and sends; resolves when all of it is done. Frees `raw`. Rejects when an encoder fails. */
	async process(raw: RawFrame): Promise<void> {
		this.captured++;
		const epoch = this.#epoch;
		try {
			const admitted = this.#admitted(raw);
			const made = admitted.filter((rendition) => !raw.ownFor(rendition));
			await Promise.all(made.map((rendition) => this.#make(raw, rendition, epoch)));
			// It takes no time to make: before the smaller ones it would be in their way.
			const own = admitted.find((rendition) => raw.ownFor(rendition));
			if (own) await this.#make(raw, own, epoch);
		} finally {
			raw.free();
		}
	}

	/**
	 * The demanded renditions the uplink has room for: the smallest first, so that a sudden lack costs the largest;
	 * but one that had to wait too long goes before all, or it would never come behind the others.
	 */
	#admitted(raw: RawFrame): Rendition[] {
		const now = localNow();
		const intervalMs = 1000 / this.#framesPerSecond;
		const bytesOf = (rendition: Rendition) =>
			raw.ownFor(rendition)?.body.length ??
			this.#progressOf(rendition.id).lastBytes ??
			rendition.nominalBytes;
		const isStarved = ({ id }: Rendition) => Number(now - this.#progressOf(id).admittedTime > STARVED_MS);
		const wanted = this.#renditions
			.filter(({ id }) => this.#demanded.includes(id))
			// One left undecoded was captured before anything else came into demand.
			.filter((rendition) => raw.hasPixels || raw.ownFor(rendition))
			.sort((a, b) => isStarved(b) - isStarved(a) || bytesOf(a) - bytesOf(b));
		let aheadBytes = 0;
		return wanted.filter((rendition) => {
			const bytes = bytesOf(rendition);
			const isAdmitted =
				aheadBytes === 0
					? this.#sink.admits(intervalMs)
					: this.#sink.admitsBehind(intervalMs, { bytes, aheadBytes });
			const progress = this.#progressOf(rendition.id);
			if (!isAdmitted) progress.counter.notEncoded++;
			else {
				aheadBytes += bytes;
				progress.admittedTime = now;
			}
			return isAdmitted;
		});
	}

	/** Only what is sent is encoded, so each frame builds on the one sent before, however many were left out. */
	async #make(raw: RawFrame, rendition: Rendition, epoch: number): Promise<void> {
		const progress = this.#progressOf(rendition.id);
		const { counter } = progress;
		const isCurrent = () => epoch === this.#epoch;
		const isWanted = () => isCurrent() && this.#demanded.includes(rendition.id);
		const own = raw.ownFor(rendition);
		const picture = own
			? isWanted() && { body: own.body, isKey: true, config: null }
			: await this.#slots.run(async () => isWanted() && (await this.#encode(raw, rendition, progress)));
		if (progress.encoder?.isUnavailable) counter.notEncoded++;
		if (!picture) return; // nobody wants it any more, or nothing can make it
		const bodyBytes = picture.body.length;
		counter.encoded++;
		// A key between frames that are none says nothing about the next one.
		if (rendition.codec === "jpeg" || !picture.isKey) progress.lastBytes = bodyBytes;
		if (!isCurrent()) return;
		const { seq } = progress;
		const { captureTime } = raw;
		const encodeMs = localNow() - captureTime;
		const isTooLarge = bodyBytes > MAX_BODY_BYTES;
		if (isTooLarge) counter.refused++;
		if (!isTooLarge && this.#sink.send({ ...picture, rendition, epoch, seq, captureTime, encodeMs }))
			progress.seq++;
		else progress.isKeyAsked = true; // what would build on the lost frame is of no use
	}

	#encode(raw: RawFrame, rendition: Rendition, progress: Progress): Promise<EncodedPicture | null> {
		progress.encoder ??= encoderOf(rendition, { framesPerSecond: this.#framesPerSecond, h264: this.#h264 });
		const key = progress.isKeyAsked;
		progress.isKeyAsked = false;
		return progress.encoder.encode(raw, { key });
	}

	#progressOf(id: number): Progress {
		let progress = this.#progress.get(id);
		if (!progress) {
			const counter = { id, encoded: 0, notEncoded: 0, refused: 0 };
			const admittedTime = Number.NEGATIVE_INFINITY;
			progress = { counter, encoder: null, isKeyAsked: false, seq: 0, lastBytes: null, admittedTime };
			this.#progress.set(id, progress);
		}
		return progress;
	}
}

function closeEncoder(progress: Progress): void {
	progress.encoder?.close();
	progress.encoder = null;
	progress.isKeyAsked = false;
}
