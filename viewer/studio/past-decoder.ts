import type { Frame } from "../connection.ts";

/** Decodes one of many frames at a time, always the one asked for last. */
export class PastDecoder {
	readonly #frames: readonly Frame[];
	readonly #onImage: (image: ImageBitmap | VideoFrame) => void;
	#wanted: number | null = null;
	#isBusy = false;
	#isClosed = false;

	/** `onImage` takes ownership. */
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
		const { body } = this.#frames[index]!;
		return await createImageBitmap(new Blob([body], { type: "image/jpeg" }));
	}
}
