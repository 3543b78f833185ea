import type { JpegRendition, Rendition } from "#shared/ladder.ts";
import type { NumberParameter } from "./query.ts";

const MAX_SIDE = 8_192;

/** What a tool may ask of a picture. */
export const PICTURE_QUERY = {
	width: {
		type: "integer",
		minimum: 1,
		maximum: MAX_SIDE,
		description:
			"Pixels the picture should have across. The smallest rendition at least this large is sent, else the largest: nothing is scaled for one request.",
		example: 640,
	},
	height: {
		type: "integer",
		minimum: 1,
		maximum: MAX_SIDE,
		description: "The same for its lines; with `width`, both are met.",
		example: 360,
	},
	quality: {
		type: "integer",
		minimum: 30,
		maximum: 95,
		description:
			"The JPEG encoder's number. The rendition of the chosen size that is nearest to it is sent; without it the best of the automatic ladder.",
		example: 60,
	},
} as const satisfies Record<string, NumberParameter>;

/** A picture as a tool asked for it; null leaves it to the relay. */
export interface Wanted {
	width: number | null;
	height: number | null;
	quality: number | null;
}

/**
 * The rendition that serves a wish best, or null while the camera has told none: first the size (the smallest that is
 * large enough, else the largest), then the quality nearest to the asked one, of two equally near the cheaper.
 * Without a quality only the ladder counts, whose renditions others watch too. Pure.
 */
export function renditionFor(
	renditions: readonly Rendition[],
	{ width, height, quality }: Wanted,
): JpegRendition | null {
	const isPicture = (one: Rendition): one is JpegRendition => one.codec === "jpeg";
	const pictures = renditions.filter(isPicture).filter(({ offer }) => quality !== null || offer === "ladder");
	const isLargeEnough = (one: Rendition) => one.width >= (width ?? 0) && one.height >= (height ?? 0);
	const isAnySize = width === null && height === null;
	const bySize = pictures.toSorted((a, b) => a.width * a.height - b.width * b.height);
	const size = (isAnySize ? undefined : bySize.find(isLargeEnough)) ?? bySize.at(-1);
	if (!size) return null;
	const ofSize = pictures
		.filter((one) => one.width === size.width && one.height === size.height)
		.toSorted((a, b) => a.quality - b.quality || a.id - b.id);
	if (quality === null) return ofSize.at(-1)!;
	const distance = (one: JpegRendition) => Math.abs(one.quality - quality);
	return ofSize.reduce((best, one) => (distance(one) < distance(best) ? one : best));
}
