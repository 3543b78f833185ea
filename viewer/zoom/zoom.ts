import type { Size } from "#shared/ladder.ts";
import type { Box } from "../grid.ts";

export const MAX_ZOOM = 16;

/** How a picture lies in its box: scaled about the box's top left corner, then moved; CSS px. */
export interface Zoom {
	readonly scale: number;
	readonly x: number;
	readonly y: number;
}

/** The whole picture. */
export const FIT: Zoom = { scale: 1, x: 0, y: 0 };

interface Point {
	x: number;
	y: number;
}

/** What a zoom is kept within: the box, and the picture shown as large as it fits in the middle of that. */
export interface Room {
	box: Box;
	picture: Size;
}

/** Zooms by a factor with the point (CSS px in the box) staying where it is. */
export function zoomAt(zoom: Zoom, factor: number, point: Point, room: Room): Zoom {
	const scale = Math.min(MAX_ZOOM, Math.max(1, zoom.scale * factor));
	const by = scale / zoom.scale;
	return within({ scale, x: point.x - (point.x - zoom.x) * by, y: point.y - (point.y - zoom.y) * by }, room);
}

/** Moves the picture by CSS px. */
export function panBy(zoom: Zoom, { x, y }: Point, room: Room): Zoom {
	return within({ ...zoom, x: zoom.x + x, y: zoom.y + y }, room);
}

/** The nearest zoom that shows no emptiness where the picture could be. */
export function within({ scale, x, y }: Zoom, { box, picture }: Room): Zoom {
	if (scale <= 1) return FIT;
	const fit = Math.min(box.width / picture.width, box.height / picture.height);
	return {
		scale,
		x: place(x, scale, box.width, picture.width * fit),
		y: place(y, scale, box.height, picture.height * fit),
	};
}

/** One axis: a picture smaller than the box stands in its middle, a larger one covers it. */
function place(offset: number, scale: number, box: number, picture: number): number {
	const margin = (box - picture) / 2;
	const size = picture * scale;
	if (size <= box) return (box - size) / 2 - margin * scale;
	return Math.min(-margin * scale, Math.max(box - (margin + picture) * scale, offset));
}
