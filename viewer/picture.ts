import type { FrameHeader } from "#shared/frame.ts";
import type { Frame } from "./connection.ts";

/** A frame on its way to the screen. */
export interface Job extends Frame {
	/** Where it stands among the frames of its camera, growing; null: behind a newer one, so never to be shown. */
	place: number | null;
}

/** A decoded frame. Whoever takes it closes it. */
export interface Picture {
	readonly image: ImageBitmap | VideoFrame;
	/** As it is to be shown. */
	readonly width: number;
	readonly height: number;
	readonly place: number | null;
	readonly header: FrameHeader;
	readonly receiveTime: number;
	/** From being given to the decoder to being a picture, ms. */
	readonly processingDuration: number;
	/** How long the decoder worked on it alone, ms; null where it worked on several at once. */
	readonly busyMs: number | null;
	close(): void;
}

/** What a decoder says of one picture. */
export type Effort = Pick<Picture, "processingDuration" | "busyMs">;

/** Makes one camera's pictures and knows how many of them are open. */
export class Pictures {
	/** Made and not yet closed. */
	open = 0;

	/** Takes the image over: closing the picture closes it. */
	of(image: ImageBitmap | VideoFrame, { header, place, receiveTime }: Job, effort: Effort): Picture {
		this.open++;
		let isOpen = true;
		const close = () => {
			if (!isOpen) return;
			isOpen = false;
			image.close();
			this.open--;
		};
		const [width, height] =
			"displayWidth" in image ? [image.displayWidth, image.displayHeight] : [image.width, image.height];
		return { image, width, height, header, place, receiveTime, ...effort, close };
	}
}
