import sharp from "sharp";
import type { JpegRendition } from "#shared/ladder.ts";
import type { RawFrame } from "./raw-frame.ts";

sharp.cache(false); // every frame is new: a cache of operations only holds memory

/** What the encoder needs of a rendition. */
export type JpegSettings = Pick<JpegRendition, "width" | "height" | "quality">;

/**
 * One JPEG of the whole picture in the rendition's size, 4:2:0. Neither queues nor frees `raw`, which may be freed
 * while this runs. Rejects with an Error when the picture cannot be converted.
 */
export async function encodeJpeg(raw: RawFrame, rendition: JpegSettings): Promise<Buffer> {
	const { width, height, quality } = rendition;
	const release = raw.retain();
	try {
		const pixels = await raw.rgb({ width, height });
		return await sharp(pixels, { raw: { width, height, channels: 3 }, limitInputPixels: width * height })
			// optimiseCoding off: half the CPU for 4-20 % more bytes, most at low quality (tests/bench/encode.ts).
			.jpeg({ quality, chromaSubsampling: "4:2:0", optimiseCoding: false })
			.toBuffer();
	} finally {
		release();
	}
}
