import type { Frame } from "./connection.ts";
import { FrameOrder } from "./frame-order.ts";
import { type H264Events, H264Stream } from "./h264-stream.ts";
import { JpegDecoder } from "./jpeg-decoder.ts";
import { type Picture, Pictures } from "./picture.ts";

/** Decodes the frames of one camera, whatever their codec; never shows an older one after a newer. */
export class Decoder {
	/** Frames that arrived after a newer one, or were decoded after it. */
	late = 0;
	readonly #pictures = new Pictures();
	readonly #order = new FrameOrder();
	readonly #jpeg: JpegDecoder;
	readonly #h264: H264Stream;
	readonly #onPicture: (picture: Picture) => void;
	#shownPlace = -1;

	/** `events.picture` takes ownership. */
	constructor(events: H264Events) {
		this.#onPicture = events.picture;
		const show = (picture: Picture) => this.#show(picture);
		this.#jpeg = new JpegDecoder(this.#pictures, show);
		this.#h264 = new H264Stream(this.#pictures, { ...events, picture: show });
	}

	/** Frames superseded while they waited. */
	get replaced(): number {
		return this.#jpeg.replaced + this.#h264.replaced;
	}

	/** Frames that made no picture; the one before stays on screen. */
	get undecodable(): number {
		return this.#jpeg.undecodable + this.#h264.undecodable;
	}

	/** Pictures handed out and not yet closed. */
	get picturesOpen(): number {
		return this.#pictures.open;
	}

	offer(frame: Frame): void {
		const place = this.#order.take(frame.header);
		// Whatever builds on a late frame needs it decoded all the same.
		if (frame.header.codec === "h264") return this.#h264.offer({ ...frame, place });
		this.#h264.stop();
		if (place === null) this.late++;
		else this.#jpeg.offer({ ...frame, place });
	}

	/** To be called four times a second. */
	check(): void {
		this.#h264.check();
	}

	/** Nobody looks: a decoder would be kept for nothing. */
	rest(): void {
		this.#jpeg.clear();
		this.#h264.stop();
	}

	/** The camera starts anew, maybe on another machine with another clock: any frame is newer than what was. */
	restart(): void {
		this.#order.restart();
		this.#jpeg.clear();
	}

	/** Frames come over another connection, maybe of a relay that counts other epochs: only the capture's time decides. */
	reconnected(): void {
		this.#order.reconnected();
	}

	#show(picture: Picture): void {
		if (picture.place === null || picture.place < this.#shownPlace) {
			this.late++;
			return picture.close();
		}
		this.#shownPlace = picture.place;
		this.#onPicture(picture);
	}
}
