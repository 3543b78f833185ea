import { localNow } from "#shared/clock.ts";
import { Latest } from "#shared/latest.ts";
import type { Picture } from "./picture.ts";

/** Where pictures go: handed over to the Worker, or the page's own where that is not possible. */
export type Canvas = OffscreenCanvas | HTMLCanvasElement;

/** Draws the newest picture on the next animation frame; owns what it was offered and closes all of it. */
export class Painter {
	readonly #canvas: Canvas;
	readonly #context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | null;
	readonly #next = new Latest<Picture>((picture) => picture.close());
	readonly #onPainted: (picture: Picture, presentationTime: number) => void;
	#request = 0;

	constructor(canvas: Canvas, onPainted: (picture: Picture, presentationTime: number) => void) {
		this.#canvas = canvas;
		// Both kinds have it, yet TypeScript cannot call a union of overloads.
		this.#context = (canvas as OffscreenCanvas).getContext("2d", { alpha: false });
		this.#onPainted = onPainted;
	}

	/** Pictures superseded before the screen was ready for them. */
	get replaced(): number {
		return this.#next.replaced;
	}

	offer(picture: Picture): void {
		this.#next.offer(picture);
		this.#request ||= requestAnimationFrame(() => this.#paint());
	}

	close(): void {
		cancelAnimationFrame(this.#request);
		this.#next.clear();
	}

	#paint(): void {
		this.#request = 0;
		const picture = this.#next.take();
		if (!picture) return;
		const { image, width, height } = picture;
		// Setting a size empties the canvas, so only when it changes, and the new picture follows in the same frame.
		if (this.#canvas.width !== width) this.#canvas.width = width;
		if (this.#canvas.height !== height) this.#canvas.height = height;
		this.#context?.drawImage(image, 0, 0);
		picture.close();
		this.#onPainted(picture, localNow());
	}
}
