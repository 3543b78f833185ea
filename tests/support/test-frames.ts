import type { Size } from "#shared/ladder.ts";
import { RawFrame } from "../../agent/raw-frame.ts";
import { Scaler } from "../../agent/scaler.ts";
import { TestPicture } from "../../agent/test-picture.ts";

const INTERVAL_MS = 40;

/** The test card, frame by frame: frame n shows and states n * 40 ms. */
export class TestFrames implements Disposable {
	readonly #size: Size;
	readonly #picture: TestPicture;
	readonly #scaler = new Scaler();

	constructor(size: Size) {
		this.#size = size;
		this.#picture = new TestPicture(size, 1000 / INTERVAL_MS);
	}

	/** Frame `number`, the caller's to free. */
	frame(number: number): RawFrame {
		const time = number * INTERVAL_MS;
		this.#picture.draw(number, time);
		return RawFrame.fromPixels(
			this.#picture.pixels,
			{ ...this.#size, format: "yuvj420p" },
			time,
			this.#scaler,
		);
	}

	/** What the clock of frame `number` shows. */
	static time(number: number): number {
		return number * INTERVAL_MS;
	}

	[Symbol.dispose](): void {
		this.#scaler.close();
	}
}
