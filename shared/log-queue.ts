const MAX_WAITING = 1_000; // lines; about 100 kB, more than a lifecycle's worth of any hour
const BATCH = 100;
const FULL_MS = 50; // a descriptor that does not block says "not now": until it is asked again

/** Writes bytes to a file descriptor and resolves to how many were taken; must not block the event loop. */
export type DescriptorWriter = (
	descriptor: number,
	bytes: Uint8Array,
) => Promise<{ readonly bytesWritten: number }>;

interface Line {
	descriptor: number;
	text: string;
}

/**
 * Lines on their way to a reader that may be slow, gone, or a full disk. Nobody ever waits for it: at most 1 000
 * lines are kept, further ones are counted, and the count is written once there is room.
 */
export class LogQueue {
	/** Lines that were not written since the start. */
	lost = 0;
	#told = 0;
	#waiting: Line[] = [];
	#writing: Promise<void> | null = null;
	readonly #write: DescriptorWriter;

	constructor(write: DescriptorWriter) {
		this.#write = write;
	}

	/** Takes a line, without its line break; drops it when 1 000 are waiting. */
	offer(descriptor: number, text: string): void {
		if (this.#waiting.length >= MAX_WAITING) this.lost++;
		else this.#waiting.push({ descriptor, text });
		this.#writing ??= this.#drain().finally(() => {
			this.#writing = null;
		});
	}

	/** Resolves when everything is written, or after `patienceMs`: a reader that stands still holds nobody's exit. */
	async flush(patienceMs: number): Promise<void> {
		if (!this.#writing) return;
		const { promise, resolve } = Promise.withResolvers<void>();
		const timer = setTimeout(resolve, patienceMs);
		await Promise.race([this.#writing, promise]);
		clearTimeout(timer);
	}

	async #drain(): Promise<void> {
		await Promise.resolve(); // lines of one turn of the event loop go together
		while (this.#waiting.length > 0) {
			const { descriptor } = this.#waiting[0]!;
			const other = this.#waiting.findIndex((line) => line.descriptor !== descriptor);
			const batch = this.#waiting.splice(0, Math.min(other < 0 ? BATCH : other, BATCH));
			const news = this.lost - this.#told;
			const texts = batch.map(({ text }) => text);
			if (news > 0) texts.unshift(`${news} lines of this log were lost: their reader was too slow`);
			if (await this.#put(descriptor, `${texts.join("\n")}\n`)) this.#told += news;
			else this.lost += batch.length;
		}
	}

	/** False when it cannot be written: the disk is full, the reader has gone. */
	async #put(descriptor: number, text: string): Promise<boolean> {
		let rest = new TextEncoder().encode(text);
		while (rest.length > 0) {
			try {
				rest = rest.subarray((await this.#write(descriptor, rest)).bytesWritten);
			} catch (cause) {
				if ((cause as { code?: unknown } | null)?.code !== "EAGAIN") return false;
				await new Promise((resolve) => setTimeout(resolve, FULL_MS));
			}
		}
		return true;
	}
}
