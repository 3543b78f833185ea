import type { SourceFormat, SourceHooks } from "../../agent/source.ts";

/** The owner of a source under test: says whether somebody watches, remembers the formats told. */
export class Audience implements SourceHooks {
	readonly formats: SourceFormat[] = [];
	/** False: the camera's own JPEG would do. */
	wantingPixels = true;
	#watching: boolean;
	#waiting: (() => void)[] = [];

	constructor(watching = true) {
		this.#watching = watching;
	}

	set watching(value: boolean) {
		this.#watching = value;
		if (!value) return;
		for (const wake of this.#waiting.splice(0)) wake();
	}

	wanted(): boolean {
		return this.#watching;
	}

	wantsPixels(): boolean {
		return this.wantingPixels;
	}

	whenWanted(signal: AbortSignal): Promise<void> {
		if (this.#watching || signal.aborted) return Promise.resolve();
		return new Promise((resolve) => {
			this.#waiting.push(resolve);
			signal.addEventListener("abort", () => resolve());
		});
	}

	onFormat(format: SourceFormat): void {
		this.formats.push(format);
	}

	/** Sizes told, as "640x360". */
	get sizes(): string[] {
		return this.formats.map(({ width, height }) => `${width}x${height}`);
	}
}
