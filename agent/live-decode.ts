import type { Frame, Packet } from "node-av";
import { localNow } from "#shared/clock.ts";
import type { Size } from "#shared/ladder.ts";
import type { Latest } from "#shared/latest.ts";
import { Backlog, type Encoded } from "./backlog.ts";
import type { Decoder } from "./decoder.ts";
import type { Limits } from "./limits.ts";
import type { OwnJpeg } from "./own-jpeg.ts";
import { RawFrame } from "./raw-frame.ts";
import { Scaler } from "./scaler.ts";
import type { SourceHooks } from "./source.ts";
import { SourceError } from "./source-error.ts";

/** An encoded picture and when it was captured, by `localNow`. */
export interface LivePacket extends Encoded {
	readonly captureTime: number;
	/** For the decoder; freed by `free`. */
	packet(): Packet;
	/** The picture as it came, when it is a JPEG fit to be passed on; asked before `free`, valid after it. */
	own(): OwnJpeg | null;
}

export interface LiveOptions {
	/** As the source states it. */
	framesPerSecond: number | null;
	limits: Limits;
	/** Called once a packet nothing could be made of. */
	onUndecodable(): void;
}

// While a backlog is worked off, pictures come at this pace; the last one of it always comes.
const CATCH_UP_MS = 250;
const TIMES_KEPT = 64; // more than any decoder holds back

/** Decodes a live stream while somebody wants its pixels, and only what is needed to show the newest picture. */
export class LiveDecode {
	readonly backlog = new Backlog<LivePacket>();
	readonly #decoder: Decoder;
	readonly #hooks: SourceHooks;
	readonly #framesPerSecond: number | null;
	readonly #badDataMs: number;
	readonly #onUndecodable: () => void;
	readonly #scaler = new Scaler();
	readonly #captureTimes = new Map<bigint, number>();
	#size = "";
	#failingSince: number | null = null;
	#shownTime = 0;

	constructor(decoder: Decoder, hooks: SourceHooks, { framesPerSecond, limits, onUndecodable }: LiveOptions) {
		this.#decoder = decoder;
		this.#hooks = hooks;
		this.#framesPerSecond = framesPerSecond;
		this.#badDataMs = limits.badDataMs;
		this.#onUndecodable = onUndecodable;
	}

	/**
	 * Tells the owner the size when it is news; a source that knows it before decoding calls this itself. `first` is the
	 * first picture of that size: whether those to come can be passed on goes by it.
	 */
	announce({ width, height }: Size, first: Pick<LivePacket, "own"> | null): void {
		const size = `${width}x${height}`;
		if (size === this.#size) return;
		this.#size = size;
		const ownQuality = first?.own()?.quality ?? null;
		this.#hooks.onFormat({ width, height, framesPerSecond: this.#framesPerSecond, ownQuality });
	}

	/** Decodes until the signal aborts; throws SourceError "bad-data". Closes nothing but what it made itself. */
	async run(newest: Latest<RawFrame>, signal: AbortSignal): Promise<void> {
		this.#shownTime = localNow();
		try {
			while (!signal.aborted) {
				// Until the size is known somebody must look, or nobody could ever choose a rendition.
				if (this.#size !== "" && !this.#hooks.wanted()) {
					await this.#hooks.whenWanted(signal);
					this.#shownTime = localNow();
					this.#failingSince = null;
				} else if (this.backlog.length === 0) {
					await this.backlog.whenFilled(signal);
				} else {
					await this.#decodeNext(newest);
				}
			}
		} finally {
			this.backlog.close();
			this.#scaler.close();
		}
	}

	async #decodeNext(newest: Latest<RawFrame>): Promise<void> {
		const next = this.backlog.take();
		if (!next) return;
		const { encoded, gap } = next;
		try {
			const own = encoded.own();
			if (own && !this.#hooks.wantsPixels()) {
				this.announce(own, encoded);
				this.#failingSince = null;
				newest.offer(new RawFrame(own, encoded.captureTime, this.#scaler));
				return;
			}
			if (gap) this.#decoder.reset();
			const packet = encoded.packet();
			this.#remember(packet.pts, encoded.captureTime);
			const { pictures, failed } = await this.#decoder.decode(packet);
			if (failed) {
				this.#onUndecodable();
				this.backlog.skipToKey();
			}
			if (pictures.length === 0) this.#withoutPicture();
			for (const picture of pictures) {
				this.#show(picture, encoded, newest);
			}
		} finally {
			encoded.free();
		}
	}

	/** `encoded`: what `picture` was decoded from, or a later one where the decoder reorders. */
	#show(picture: Frame, encoded: LivePacket, newest: Latest<RawFrame>): void {
		this.#failingSince = null;
		this.announce(picture, encoded);
		const captureTime = this.#captureTimes.get(picture.pts) ?? encoded.captureTime;
		const now = localNow();
		if (this.backlog.length > 0 && now - this.#shownTime < CATCH_UP_MS) {
			picture.free();
			return;
		}
		this.#shownTime = now;
		newest.offer(new RawFrame(picture, captureTime, this.#scaler, encoded.own()));
	}

	/** Decoders that reorder give pictures later than their packets: the time goes by the presentation stamp. */
	#remember(pts: bigint, captureTime: number): void {
		this.#captureTimes.set(pts, captureTime);
		for (const oldest of this.#captureTimes.keys()) {
			if (this.#captureTimes.size <= TIMES_KEPT) break;
			this.#captureTimes.delete(oldest);
		}
	}

	#withoutPicture(): void {
		const now = localNow();
		this.#failingSince ??= now;
		if (now - this.#failingSince < this.#badDataMs) return;
		throw new SourceError("bad-data", `${this.#badDataMs / 1000} s of data without one decodable picture`);
	}
}
