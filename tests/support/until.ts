/** How long to look for something, how often, and the clause that names it when it never comes. */
export interface Wait {
	/** Completes "after 5000 ms, still waiting for ...". */
	what: string;
	/** 5 000 unless told. */
	timeoutMs?: number;
	/** 20 unless told. */
	intervalMs?: number;
}

/** Asks `probe` until it answers with something truthy and resolves to that; a throw counts as "not yet". */
export async function until<T>(probe: () => T | Promise<T>, wait: Wait): Promise<NonNullable<T>> {
	const { what, timeoutMs = 5_000, intervalMs = 20 } = wait;
	const deadline = performance.now() + timeoutMs;
	let cause: unknown;
	do {
		try {
			const answer = await probe();
			if (answer) return answer;
			cause = undefined;
		} catch (error) {
			cause = error;
		}
		await Bun.sleep(intervalMs);
	} while (performance.now() < deadline);
	throw new Error(`after ${timeoutMs} ms, still waiting for ${what}`, { cause });
}
