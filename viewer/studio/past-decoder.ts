import type { FrameHeader } from "#shared/frame.ts";
import type { Frame } from "../connection.ts";
import { Continuity } from "../continuity.ts";
import { h264Config } from "../h264-decoder.ts";

const STEP_US = 1_000; // between timestamps, which only name frames; some decoders count in ms
const HELD_MS = 200; // a decoder that has not given a picture out by then is holding it

/** The frames that can be shown: of inter-coded ones only those whose forerunners are there back to their key. */
export function showable(frames: readonly Frame[]): Frame[] {
	const continuity = new Continuity();
	return frames.filter(({ header }) => header.codec === "jpeg" || continuity.take(header));
}

/** Decodes one of many frames at a time, always the one asked for last. */
export class PastDecoder {
	readonly #frames: readonly Frame[];
	readonly #onImage: (image: ImageBitmap | VideoFrame) => void;
	#wanted: number | null = null;
	#isBusy = false;
	#isClosed = false;
	#video: VideoDecoder | null = null;
	/** The last frame `#video` was given. */
	#fed = -1;
	#outputs = new Map<number, (image: VideoFrame) => void>(); // by timestamp

	/** `frames`: all showable; `onImage` takes ownership. */
	constructor(frames: readonly Frame[], onImage: (image: ImageBitmap | VideoFrame) => void) {
		this.#frames = frames;
		this.#onImage = onImage;
	}

	/** Shows the frame of this index, unless another one is asked for before. */
	show(index: number): void {
		this.#wanted = index;
		if (!this.#isBusy) void this.#work();
	}

	close(): void {
		this.#isClosed = true;
		this.#wanted = null;
		this.#end();
	}

	async #work(): Promise<void> {
		this.#isBusy = true;
		for (let index = this.#take(); index !== null; index = this.#take()) {
			const image = await this.#decode(index).catch(() => null); // the picture before stays
			if (this.#isClosed) image?.close();
			else if (image) this.#onImage(image);
		}
		this.#isBusy = false;
	}

	#take(): number | null {
		const index = this.#wanted;
		this.#wanted = null;
		return index;
	}

	async #decode(index: number): Promise<ImageBitmap | VideoFrame> {
		const { header, body } = this.#frames[index]!;
		if (header.codec === "jpeg") return await createImageBitmap(new Blob([body], { type: "image/jpeg" }));
		try {
			return await this.#decodeVideo(index);
		} catch (cause) {
			this.#end();
			throw cause;
		}
	}

	/** Feeds what the frame builds on and was not fed yet, then waits for its picture. */
	async #decodeVideo(index: number): Promise<VideoFrame> {
		const chain = this.#chainOf(index);
		const goesOn = chain.indexOf(this.#fed);
		if (goesOn < 0 || goesOn === chain.length - 1) this.#start(this.#frames[chain[0]!]!.header);
		const video = this.#video!;
		const picture = new Promise<VideoFrame>((resolve) => this.#outputs.set(index * STEP_US, resolve));
		for (const one of chain.slice(chain.indexOf(this.#fed) + 1)) {
			const { header, body } = this.#frames[one]!;
			const type = header.isKey ? "key" : "delta";
			video.decode(new EncodedVideoChunk({ type, timestamp: one * STEP_US, data: body }));
			this.#fed = one;
		}
		let timer: ReturnType<typeof setTimeout> | undefined;
		const flushed = new Promise<never>((_, reject) => {
			timer = setTimeout(() => {
				this.#fed = -1; // after a flush only a key goes on
				video.flush().then(() => reject(new Error("no picture came of it")), reject);
			}, HELD_MS + chain.length);
		});
		return await Promise.race([picture, flushed]).finally(() => clearTimeout(timer));
	}

	/** The frame and those it builds on, from their key on. */
	#chainOf(index: number): number[] {
		const { epoch, rendition } = this.#frames[index]!.header;
		const chain: number[] = [];
		for (let i = index; i >= 0; i--) {
			const { header } = this.#frames[i]!;
			if (header.epoch !== epoch || header.rendition !== rendition) continue;
			chain.push(i);
			if (header.isKey) break;
		}
		return chain.reverse();
	}

	#start({ config }: FrameHeader): void {
		this.#end();
		if (!config) throw new Error("a key without its avcC record");
		const output = (image: VideoFrame) => {
			const take = this.#outputs.get(image.timestamp);
			this.#outputs.delete(image.timestamp);
			if (take) take(image);
			else image.close();
		};
		const video = new VideoDecoder({ output, error: () => this.#video === video && this.#end() });
		this.#video = video;
		video.configure(h264Config(config));
	}

	#end(): void {
		if (this.#video && this.#video.state !== "closed") this.#video.close();
		this.#video = null;
		this.#fed = -1;
		this.#outputs.clear();
	}
}
