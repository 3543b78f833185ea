const PREFIX = "sightline.rendition.";

/** The rendition chosen by hand for a camera on this browser; null: automatic. Storage may be forbidden: then nothing is remembered. */
export function readChoice(camera: string): number | null {
	try {
		const text = localStorage.getItem(PREFIX + camera);
		return text !== null && /^\d{1,5}$/.test(text) ? Number(text) : null;
	} catch {
		return null;
	}
}

export function writeChoice(camera: string, rendition: number | null): void {
	try {
		if (rendition === null) localStorage.removeItem(PREFIX + camera);
		else localStorage.setItem(PREFIX + camera, String(rendition));
	} catch {
		// Private windows of some browsers refuse; the choice then lasts as long as the page.
	}
}
