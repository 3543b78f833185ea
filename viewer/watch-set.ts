import { type CameraStatus, MAX_CAMERAS, type Watch } from "#shared/protocol.ts";

/** What decides which cameras the relay is asked for. */
export interface View {
	cameras: readonly Pick<CameraStatus, "id" | "renditions">[];
	/** The one camera that fills the page; null: the grid. */
	open: string | null;
	/** Renditions chosen by hand. */
	choices: Readonly<Record<string, number | null>>;
	/** Tiles scrolled out of sight. */
	offScreen: ReadonlySet<string>;
	isHidden: boolean;
}

/**
 * The full set to ask for: what is seen, nothing else. A choice the camera does not offer is left to the relay; one
 * that names no renditions yet may still come to offer it.
 */
export function watchSet({ cameras, open, choices, offScreen, isHidden }: View): Watch[] {
	if (isHidden) return [];
	return cameras
		.filter(({ id }) => (open === null ? !offScreen.has(id) : id === open))
		.slice(0, MAX_CAMERAS)
		.map(({ id, renditions }) => {
			const choice = choices[id] ?? null;
			const isTakable = renditions.length === 0 || renditions.some((rendition) => rendition.id === choice);
			return { id, rendition: isTakable ? choice : null };
		});
}
