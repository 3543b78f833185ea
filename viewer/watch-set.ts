import { type CameraStatus, MAX_CAMERAS } from "#shared/protocol.ts";
import type { ShownCamera } from "./engine.ts";

/** What decides which cameras the relay is asked for, and how. */
export interface View {
	cameras: readonly Pick<CameraStatus, "id" | "renditions">[];
	/** The one camera that fills the page; null: the grid. */
	open: string | null;
	/** Renditions chosen by hand. */
	pins: Readonly<Record<string, number | null>>;
	/** Device pixels on the short side of each tile's picture; a tile not measured yet is missing. */
	lines: ReadonlyMap<string, number>;
	/** The tile under the pointer or with the focus. */
	attended: string | null;
	/** Tiles scrolled out of sight. */
	offScreen: ReadonlySet<string>;
	isHidden: boolean;
	/** Cameras somebody else looks at: a recording, a floating window. */
	kept: ReadonlySet<string>;
}

/**
 * The full set to ask for: what is seen, nothing else. A pin the camera does not offer is left to the relay; one
 * that names no renditions yet may still come to offer it. What the browser can decode is for the engine to add.
 */
export function watchSet(view: View): ShownCamera[] {
	const { cameras, open, pins, lines, attended, offScreen, isHidden, kept } = view;
	const isSeen = (id: string) => !isHidden && (open === null ? !offScreen.has(id) : id === open);
	return cameras
		.filter(({ id }) => isSeen(id) || kept.has(id))
		.slice(0, MAX_CAMERAS)
		.map(({ id, renditions }) => {
			const pin = pins[id] ?? null;
			const isTakable = renditions.length === 0 || renditions.some((rendition) => rendition.id === pin);
			return {
				id,
				rendition: isTakable ? pin : null,
				maxLines: lines.get(id) ?? null,
				maxFramesPerSecond: null,
				isFocused: id === (open ?? attended),
			};
		});
}
