import { Log, wordsOf } from "#shared/log.ts";

const log = new Log("relay");

/** Faults of ours since the start: exceptions nobody was meant to see. `/healthz` tells the count. */
export const faults = { count: 0 };

/** Logs and counts an exception that is a fault of ours. */
export function noteFault(where: string, cause: unknown): void {
	faults.count++;
	const at = cause instanceof Error ? cause.stack?.split("\n")[1]?.trim() : undefined;
	log.error(`${where} failed`, { cause: wordsOf(cause), at });
}

/** Work that may fail and is tried again and again: the first failure of several is noted, none is thrown. */
export class Attempted {
	readonly #name: string;
	#isFailing = false;

	constructor(name: string) {
		this.#name = name;
	}

	/** What `work` returns; undefined when it fails. */
	run<T>(work: () => T): T | undefined {
		try {
			const result = work();
			this.#isFailing = false;
			return result;
		} catch (cause) {
			if (!this.#isFailing) noteFault(this.#name, cause);
			this.#isFailing = true;
			return undefined;
		}
	}
}
