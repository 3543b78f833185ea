/**
 * Runs the tasks side by side until the first of them ends; then the others' signal aborts and all are waited for.
 * Rejects with what the first failing one rejected with.
 */
export async function together(
	signal: AbortSignal,
	...tasks: readonly ((signal: AbortSignal) => Promise<void>)[]
): Promise<void> {
	const ending = new AbortController();
	const end = () => ending.abort();
	if (signal.aborted) end();
	signal.addEventListener("abort", end);
	try {
		const running = tasks.map((task) => task(ending.signal).finally(end));
		const results = await Promise.allSettled(running);
		for (const result of results) if (result.status === "rejected") throw result.reason;
	} finally {
		signal.removeEventListener("abort", end);
	}
}
