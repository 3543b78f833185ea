/** Waits; returns early, without an error, when the signal aborts. */
export function sleep(durationMs: number, signal: AbortSignal): Promise<void> {
	return new Promise((resolve) => {
		if (signal.aborted) return resolve();
		const done = () => {
			clearTimeout(timer);
			signal.removeEventListener("abort", done);
			resolve();
		};
		const timer = setTimeout(done, durationMs);
		signal.addEventListener("abort", done);
	});
}
