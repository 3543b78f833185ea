import { avcCodecString } from "#shared/avc.ts";
import { localNow } from "#shared/clock.ts";
import type { FrameHeader } from "#shared/frame.ts";
import type { Effort, Job } from "./picture.ts";

const STEP_US = 1_000; // between timestamps, which only name frames; some decoders count in ms
const HELD = 4; // frames a decoder may keep inside for good
const LATE_MS = 300; // a frame that was given this long ago, with that many behind it: the decoder does not keep up
const SILENT_CHECKS = 8; // four a second: 2 s. Counted, because a machine that slept has seen none of them

export interface H264DecoderEvents {
	/** Takes ownership of `image`. */
	image(image: VideoFrame, job: Job, effort: Effort): void;
	/** The decoder ended by itself. */
	failed(error: Error): void;
}

/** One VideoDecoder for one stream, from a key on: every frame goes in, in order, and comes out as soon as it can. */
export class H264Decoder {
	readonly #stream: FrameHeader;
	readonly #events: H264DecoderEvents;
	readonly #decoder: VideoDecoder;
	/** Given and not yet come out, by timestamp, oldest first. */
	readonly #inside = new Map<number, { job: Job; feedTime: number }>();
	#timestamp = 0;
	#imageTime = Number.NEGATIVE_INFINITY;
	#silentChecks = 0;

	/** `key` is the header of the key it starts at, with its config. Throws where the browser refuses at once. */
	constructor(key: FrameHeader, config: Uint8Array, events: H264DecoderEvents) {
		this.#stream = key;
		this.#events = events;
		this.#decoder = new VideoDecoder({ output: (image) => this.#output(image), error: events.failed });
		this.#decoder.configure(h264Config(config));
	}

	/** Frames given that have not come out. */
	get inside(): number {
		return this.#inside.size;
	}

	/** Whether this key may follow what was given before. */
	takes({ epoch, rendition, config }: FrameHeader): boolean {
		const stream = this.#stream;
		return stream.epoch === epoch && stream.rendition === rendition && isSame(stream.config, config);
	}

	/** The next frame in order. Throws where the browser refuses it at once. */
	feed(job: Job): void {
		const timestamp = this.#timestamp;
		this.#timestamp += STEP_US;
		this.#inside.set(timestamp, { job, feedTime: localNow() });
		const type = job.header.isKey ? "key" : "delta";
		this.#decoder.decode(new EncodedVideoChunk({ type, timestamp, data: job.body }));
	}

	/** Whether what comes out falls behind what goes in. */
	isBehind(now: number): boolean {
		const [oldest] = this.#inside.values();
		return oldest !== undefined && this.#inside.size > HELD && now - oldest.feedTime > LATE_MS;
	}

	/** To be asked four times a second: true when it was given frames for 2 s and has never shown one. */
	isSilent(): boolean {
		const isMute = this.#imageTime === Number.NEGATIVE_INFINITY && this.#inside.size > 0;
		this.#silentChecks = isMute ? this.#silentChecks + 1 : 0;
		return this.#silentChecks >= SILENT_CHECKS;
	}

	/** Ends it; what is inside is lost. */
	close(): void {
		if (this.#decoder.state !== "closed") this.#decoder.close();
	}

	#output(image: VideoFrame): void {
		const found = this.#inside.get(image.timestamp);
		if (!found || this.#decoder.state === "closed") return image.close();
		const now = localNow();
		for (const timestamp of this.#inside.keys()) {
			if (timestamp > image.timestamp) break;
			this.#inside.delete(timestamp); // an older one that did not come out never will
		}
		const { job, feedTime } = found;
		// With another one inside it cannot be told which of them took the time, or whether any is just being held.
		const busyMs = this.#inside.size > 0 ? null : now - Math.max(feedTime, this.#imageTime);
		this.#imageTime = now;
		this.#events.image(image, job, { processingDuration: now - feedTime, busyMs });
	}
}

/** How a stream with this avcC record is to be decoded. */
export function h264Config(config: Uint8Array): VideoDecoderConfig {
	// A copy: `description` must not share memory with a message that the browser may still own.
	return { codec: avcCodecString(config), description: config.slice(), optimizeForLatency: true };
}

function isSame(one: Uint8Array | null, other: Uint8Array | null): boolean {
	return one?.length === other?.length && (one?.every((byte, i) => byte === other?.[i]) ?? true);
}
