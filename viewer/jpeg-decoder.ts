import { localNow } from "#shared/clock.ts";
import { Latest } from "#shared/latest.ts";
import type { Job, Picture, Pictures } from "./picture.ts";

/** Decodes JPEG frames one at a time, the freshest next. */
export class JpegDecoder {
	/** Frames whose bytes were not a picture. */
	undecodable = 0;
	readonly #next = new Latest<Job>();
	readonly #pictures: Pictures;
	readonly #onPicture: (picture: Picture) => void;
	#isBusy = false;

	/** `onPicture` takes ownership. */
	constructor(pictures: Pictures, onPicture: (picture: Picture) => void) {
		this.#pictures = pictures;
		this.#onPicture = onPicture;
	}

	/** Frames superseded while they waited. */
	get replaced(): number {
		return this.#next.replaced;
	}

	offer(job: Job): void {
		this.#next.offer(job);
		if (!this.#isBusy) void this.#work();
	}

	/** Forgets a frame that waits; one under way still comes. */
	clear(): void {
		this.#next.clear();
	}

	async #work(): Promise<void> {
		this.#isBusy = true;
		for (let job = this.#next.take(); job; job = this.#next.take()) {
			const startTime = localNow();
			try {
				// Rejects for truncated bytes too, which an `<img>` would show half grey.
				const image = await createImageBitmap(new Blob([job.body], { type: "image/jpeg" }));
				const busyMs = localNow() - startTime;
				this.#onPicture(this.#pictures.of(image, job, { processingDuration: busyMs, busyMs }));
			} catch {
				this.undecodable++; // counted and shown in the details: one line per bad frame would flood the console
			}
		}
		this.#isBusy = false;
	}
}
