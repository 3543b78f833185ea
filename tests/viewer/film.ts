import { type H264Rendition, h264LadderFor, type Size } from "#shared/ladder.ts";
import { H264Encoder } from "../../agent/h264-encoder.ts";
import { TestFrames } from "../support/test-frames.ts";
import type { SentPicture } from "./fake-relay.ts";

const SOURCE: Size = { width: 1280, height: 720 };
const FRAMES_PER_SECOND = 25;

/** An access unit as the relay sends it, and what the clock in its picture shows. */
export interface FilmFrame extends SentPicture {
	clock: number;
}

/** The test card as one H.264 stream: real pictures of a real encoder, in order. */
export class Film implements Disposable {
	readonly rendition: H264Rendition;
	readonly #frames: TestFrames;
	readonly #encoder: H264Encoder;
	readonly #epoch: number;
	#count: number;
	#seq = 0;

	/** A rung of 720p's ladder; begins with frame `first` of the test card. */
	constructor(id: number, { epoch = 1, first = 0 } = {}) {
		const rendition = h264LadderFor(SOURCE).find((one) => one.id === id);
		if (!rendition) throw new Error(`no H.264 rendition ${id}`);
		this.rendition = rendition;
		this.#frames = new TestFrames(SOURCE);
		this.#encoder = new H264Encoder(rendition, FRAMES_PER_SECOND);
		this.#epoch = epoch;
		this.#count = first;
	}

	/** The number of the frame that comes next. */
	get count(): number {
		return this.#count;
	}

	/** The next frame; the first one is a key in any case. */
	async next(kind: "key" | "any" = "any"): Promise<FilmFrame> {
		const number = this.#count++;
		const raw = this.#frames.frame(number);
		const unit = await this.#encoder.encode(raw, { key: kind === "key" });
		raw.free();
		if (!unit) throw new Error("the encoder is closed");
		const { id, width, height } = this.rendition;
		const { isKey, config } = unit;
		return {
			body: new Uint8Array(unit.body),
			width,
			height,
			header: { codec: "h264", rendition: id, epoch: this.#epoch, seq: this.#seq++, isKey, config },
			clock: TestFrames.time(number),
		};
	}

	/** The next `count` frames. */
	async take(count: number): Promise<FilmFrame[]> {
		const frames: FilmFrame[] = [];
		while (frames.length < count) frames.push(await this.next());
		return frames;
	}

	[Symbol.dispose](): void {
		this.#encoder.close();
		this.#frames[Symbol.dispose]();
	}
}
