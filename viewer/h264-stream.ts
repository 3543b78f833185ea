import { localNow } from "#shared/clock.ts";
import type { FrameHeader } from "#shared/frame.ts";
import { Continuity } from "./continuity.ts";
import { H264Decoder, h264Config } from "./h264-decoder.ts";
import { isSupported, type Obstacle } from "./h264-support.ts";
import type { Job, Picture, Pictures } from "./picture.ts";

const ASK_MS = 2_000; // the relay asks the agent for one viewer no oftener
const RELAPSE_MS = 60_000; // failing again so soon is no accident

export interface H264Events {
	/** Takes ownership. */
	picture(picture: Picture): void;
	/** Nothing can be decoded before the next key. */
	keyNeeded(): void;
	/** The decoder does not keep up with what it is given. */
	behind(): void;
	/** It does not work here; said once, then nothing more comes. */
	gaveUp(obstacle: Obstacle): void;
}

/**
 * One camera's H.264 frames to pictures. Another rendition, epoch or config opens a second decoder at its key; the
 * first goes on until that one has shown a picture.
 */
export class H264Stream {
	/** Frames that could not be decoded: something before them was missing, or the decoder failed over them. */
	undecodable = 0;
	/** Frames inside a decoder that was closed. */
	replaced = 0;
	readonly #pictures: Pictures;
	readonly #events: H264Events;
	readonly #continuity = new Continuity();
	#current: H264Decoder | null = null;
	#previous: H264Decoder | null = null;
	#askTime = Number.NEGATIVE_INFINITY;
	#failTime = Number.NEGATIVE_INFINITY;
	#isOver = false;

	constructor(pictures: Pictures, events: H264Events) {
		this.#pictures = pictures;
		this.#events = events;
	}

	offer(job: Job): void {
		const { header } = job;
		if (this.#isOver) return void this.undecodable++;
		if (!this.#continuity.take(header)) return this.#miss();
		if (this.#current?.isBehind(localNow())) {
			this.#events.behind();
			this.stop();
			if (!header.isKey) return this.#miss();
			this.#continuity.take(header);
		}
		try {
			if (header.isKey && !this.#current?.takes(header)) this.#open(header);
			this.#current?.feed(job);
		} catch (cause) {
			this.#failed(this.#current, cause as Error);
		}
	}

	/** Ends the decoders: what comes next is something else, or nothing, and then a key. */
	stop(): void {
		this.#close(this.#previous);
		this.#close(this.#current);
		this.#previous = null;
		this.#current = null;
		this.#continuity.break();
	}

	/** To be called four times a second. */
	check(): void {
		if (this.#current?.isSilent()) this.#giveUp({ is: "silent" });
	}

	#open(key: FrameHeader): void {
		const { config } = key;
		if (!config) throw new Error("a key without its avcC record");
		this.#close(this.#previous);
		this.#previous = this.#current;
		this.#current = null;
		const decoder: H264Decoder = new H264Decoder(key, config, {
			image: (image, job, effort) => {
				if (decoder === this.#current) {
					this.#close(this.#previous);
					this.#previous = null;
				}
				this.#events.picture(this.#pictures.of(image, job, effort));
			},
			failed: (error) => this.#failed(decoder, error),
		});
		this.#current = decoder;
		// Beside it, so that the first picture does not wait for the answer.
		const support = h264Config(config);
		void isSupported(support).then((isIt) => {
			if (!isIt && decoder === this.#current) this.#giveUp({ is: "unsupported", codec: support.codec });
		});
	}

	#failed(decoder: H264Decoder | null, error: Error): void {
		if (decoder && decoder === this.#previous) this.#previous = null; // the next one is here anyway
		if (decoder !== this.#current) return this.#close(decoder);
		const now = localNow();
		this.undecodable += decoder?.inside ?? 1;
		decoder?.close();
		this.#current = null;
		this.#continuity.break();
		if (now - this.#failTime < RELAPSE_MS) return this.#giveUp({ is: "failing", words: error.message });
		this.#failTime = now;
		this.#ask();
	}

	#giveUp(obstacle: Obstacle): void {
		if (this.#isOver) return;
		this.#isOver = true;
		this.stop();
		this.#events.gaveUp(obstacle);
	}

	#miss(): void {
		this.undecodable++;
		this.#ask();
	}

	#ask(): void {
		const now = localNow();
		if (now - this.#askTime < ASK_MS) return;
		this.#askTime = now;
		this.#events.keyNeeded();
	}

	#close(decoder: H264Decoder | null): void {
		if (!decoder) return;
		this.replaced += decoder.inside;
		decoder.close();
	}
}
