import { localNow } from "#shared/clock.ts";
import type { Latest } from "#shared/latest.ts";
import { sleep } from "#shared/sleep.ts";
import { NewestSource } from "./newest-source.ts";
import { RawFrame } from "./raw-frame.ts";
import { Scaler } from "./scaler.ts";
import type { SourceHooks } from "./source.ts";
import type { SourceSpec } from "./source-spec.ts";
import { TestPicture } from "./test-picture.ts";

type TestSpec = Extract<SourceSpec, { kind: "test" }>;

/** The moving test card as a source: paced without drift, drawn only while somebody watches. */
export class TestCard extends NewestSource {
	readonly #spec: TestSpec;
	readonly #hooks: SourceHooks;

	constructor(spec: TestSpec, hooks: SourceHooks) {
		super();
		this.#spec = spec;
		this.#hooks = hooks;
	}

	protected override async produce(newest: Latest<RawFrame>, signal: AbortSignal): Promise<void> {
		const { width, height, framesPerSecond } = this.#spec;
		this.#hooks.onFormat({ width, height, framesPerSecond, ownQuality: null });
		const picture = new TestPicture({ width, height }, framesPerSecond);
		const scaler = new Scaler();
		const intervalMs = 1000 / framesPerSecond;
		const startTime = localNow();
		let number = 0;
		while (!signal.aborted) {
			if (!this.#hooks.wanted()) await this.#hooks.whenWanted(signal);
			// A slot that has passed is left out: the next frame is drawn when it is due, never late.
			number = Math.max(number + 1, Math.ceil((localNow() - startTime) / intervalMs));
			await sleep(Math.max(0, startTime + number * intervalMs - localNow()), signal);
			if (signal.aborted) break;
			const captureTime = localNow();
			picture.draw(number, captureTime);
			newest.offer(
				RawFrame.fromPixels(picture.pixels, { width, height, format: "yuvj420p" }, captureTime, scaler),
			);
		}
		scaler.close();
	}
}
