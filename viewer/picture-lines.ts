import type { Size } from "#shared/ladder.ts";
import type { Box } from "./grid.ts";

const MAX_LINES = 16_384; // the wire's largest side
const STEADY_SHARE = 0.05; // a window dragged by a hand's breadth is not worth a message

/** Device pixels on the short side of a picture shown as large as its box (CSS px) allows; null in an empty box. */
export function linesFor({ width, height }: Box, picture: Size, pixelRatio: number): number | null {
	const scale = Math.min(width / picture.width, height / picture.height);
	if (!(scale > 0)) return null;
	const lines = scale * Math.min(picture.width, picture.height) * pixelRatio;
	// Layout works in 1/64 px: what is 360 must not become 361.
	return Math.min(MAX_LINES, Math.max(1, Math.ceil(lines - 1 / 64)));
}

/** `lines`, or what was said before if that is still right within a twentieth. */
export function steadyLines(said: number | undefined, lines: number): number {
	return said !== undefined && Math.abs(lines - said) <= STEADY_SHARE * said ? said : lines;
}
