import type { Size } from "#shared/ladder.ts";

/** As it is to be shown. */
export function sizeOf(image: ImageBitmap | VideoFrame): Size {
	if ("displayWidth" in image) return { width: image.displayWidth, height: image.displayHeight };
	return image;
}
