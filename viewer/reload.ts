const KEY = "sightline.reloaded";

/**
 * Reloads the page because the relay speaks another protocol: it may have been updated under an open page. Once
 * only, or a relay that serves an old page would make it spin; `settleReload` allows it again.
 */
export function reloadOnce(): void {
	try {
		if (sessionStorage.getItem(KEY) !== null) return;
		sessionStorage.setItem(KEY, "1");
	} catch {
		return; // cannot remember, so it cannot be known that this is the first time
	}
	location.reload();
}

/** The relay and this page understand each other. */
export function settleReload(): void {
	try {
		sessionStorage.removeItem(KEY);
	} catch {
		// nothing was remembered
	}
}
