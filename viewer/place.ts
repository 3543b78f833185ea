import { cameraOf, hrefOf, watchUrl } from "./route.ts";

/** Where a player is: which camera its address names, and where its relay is. */
export interface Place {
	/** The camera asked for; null: all. */
	readonly camera: string | null;
	readonly watchUrl: string;
	/** Another camera is opened; the browser's Back leads to this one. */
	go(camera: string | null): void;
	/** Tells that `camera` changed by itself, until the signal aborts. */
	follow(onChange: () => void, signal: AbortSignal): void;
}

/** The page's own address. */
export const PAGE_PLACE: Place = {
	get camera() {
		return cameraOf(location.href);
	},
	get watchUrl() {
		return watchUrl(location.href);
	},
	go(camera) {
		history.pushState(null, "", hrefOf(location.href, camera));
	},
	follow(onChange, signal) {
		addEventListener("popstate", onChange, { signal });
	},
};

/** A place that never changes: one camera of a relay, inside somebody else's page. */
export function elementPlace(camera: string | null, relayUrl: string): Place {
	return { camera, watchUrl: watchUrl(relayUrl), go: () => {}, follow: () => {} };
}
