import { localNow } from "#shared/clock.ts";
import type { FrameHeader } from "#shared/frame.ts";
import { Latest } from "#shared/latest.ts";
import type { Frame } from "./connection.ts";

const OTHER_CLOCK_MS = 5_000; // no frame comes this late: a relay with another clock is answering

/** A decoded frame. Whoever takes it closes it. */
export interface Picture {
	readonly image: ImageBitmap;
	readonly header: FrameHeader;
	readonly receiveTime: number;
	/** Decoding took this long, ms. */
	readonly processingDuration: number;
	close(): void;
}

/** Decodes the frames of one camera: one at a time, the freshest next, never an older one after a newer. */
export class Decoder {
	/** Frames whose bytes were not a picture; the one before stays on screen. */
	undecodable = 0;
	/** Frames that arrived after a newer one. */
	late = 0;
	/** Pictures handed out and not yet closed. */
	picturesOpen = 0;
	readonly #next = new Latest<Frame>();
	readonly #onPicture: (picture: Picture) => void;
	/** Without an epoch: the next frame sets it. */
	#newest: { epoch: number | null; captureTime: number } | null = null;
	#isBusy = false;

	/** `onPicture` takes ownership. */
	constructor(onPicture: (picture: Picture) => void) {
		this.#onPicture = onPicture;
	}

	/** Frames superseded while they waited. */
	get replaced(): number {
		return this.#next.replaced;
	}

	offer(frame: Frame): void {
		if (this.#newest && isOlder(frame.header, this.#newest)) {
			this.late++;
			return;
		}
		this.#newest = frame.header;
		this.#next.offer(frame);
		if (!this.#isBusy) void this.#work();
	}

	/** The camera starts anew, maybe on another machine with another clock: any frame is newer than what was. */
	restart(): void {
		this.#newest = null;
		this.#next.clear();
	}

	/** Frames come over another connection, maybe of a relay that counts other epochs: only the capture's time decides. */
	reconnected(): void {
		if (this.#newest) this.#newest = { ...this.#newest, epoch: null };
	}

	async #work(): Promise<void> {
		this.#isBusy = true;
		for (let frame = this.#next.take(); frame; frame = this.#next.take()) {
			const startTime = localNow();
			try {
				const image = await decode(frame);
				this.#onPicture(this.#picture(image, frame, localNow() - startTime));
			} catch {
				this.undecodable++; // counted and shown in the details: one line per bad frame would flood the console
			}
		}
		this.#isBusy = false;
	}

	#picture(image: ImageBitmap, { header, receiveTime }: Frame, processingDuration: number): Picture {
		this.picturesOpen++;
		let isOpen = true;
		const close = () => {
			if (!isOpen) return;
			isOpen = false;
			image.close();
			this.picturesOpen--;
		};
		return { image, header, receiveTime, processingDuration, close };
	}
}

function isOlder(frame: FrameHeader, than: { epoch: number | null; captureTime: number }): boolean {
	const byMs = than.captureTime - frame.captureTime;
	if (than.epoch === null) return byMs > 0 && byMs < OTHER_CLOCK_MS;
	if (frame.epoch !== than.epoch) return frame.epoch < than.epoch;
	return byMs > 0;
}

/** Rejects for bytes that are not a picture, truncated ones too (an `<img>` would show them half grey). */
function decode({ header, body }: Frame): Promise<ImageBitmap> {
	if (header.codec !== "jpeg") throw new TypeError(`cannot decode ${header.codec}`);
	return createImageBitmap(new Blob([body], { type: "image/jpeg" }));
}
