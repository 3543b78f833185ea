import { Latest } from "#shared/latest.ts";
import type { RawFrame } from "./raw-frame.ts";
import type { Source } from "./source.ts";

/** What all sources share: the one-slot box between what they produce and whoever consumes it. */
export abstract class NewestSource implements Source {
	undecodable = 0;
	replaced = 0;

	/**
	 * Fills the box until the signal aborts, opening the source first and closing it in every case. Rejects with a
	 * SourceError when the source is lost.
	 */
	protected abstract produce(newest: Latest<RawFrame>, signal: AbortSignal): Promise<void>;

	async *frames(signal: AbortSignal): AsyncGenerator<RawFrame, void> {
		const newest = new Latest<RawFrame>((frame) => frame.free());
		const consuming = new AbortController();
		const producing = new AbortController();
		const stop = () => {
			producing.abort();
			consuming.abort();
		};
		signal.addEventListener("abort", stop);
		if (signal.aborted) stop();
		const produced = this.produce(newest, producing.signal).finally(() => consuming.abort());
		produced.catch(() => {}); // it is thrown by the await below; here only so that it never counts as unhandled
		const replacedBefore = this.replaced;
		try {
			for (;;) {
				const frame = await newest.next(consuming.signal);
				this.replaced = replacedBefore + newest.replaced;
				if (frame === null) break;
				yield frame;
			}
		} finally {
			stop();
			signal.removeEventListener("abort", stop);
			await produced.finally(() => newest.clear());
		}
	}
}
