/** Keeps the screen from going dark while this holds; needs a secure page, elsewhere it does nothing. Call what it returns to end it. */
export function keepAwake(): () => void {
	const over = new AbortController();
	const { signal } = over;
	let lock: WakeLockSentinel | null = null;
	const take = async () => {
		if (document.hidden || !navigator.wakeLock) return;
		try {
			const taken = await navigator.wakeLock.request("screen");
			if (signal.aborted) await taken.release();
			else lock = taken;
		} catch {
			// a low battery or a policy; the screen does as it always does
		}
	};
	// The browser takes it back from a hidden page.
	document.addEventListener("visibilitychange", () => void take(), { signal });
	void take();
	return () => {
		over.abort();
		void lock?.release();
	};
}
