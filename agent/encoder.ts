import type { Rendition } from "#shared/ladder.ts";
import type { H264Codec } from "./h264-codec.ts";
import { encodeJpeg } from "./jpeg-encoder.ts";
import type { RawFrame } from "./raw-frame.ts";
import { SteadyEncoder } from "./steady-encoder.ts";

/** One picture, encoded. */
export interface EncodedPicture {
	body: Uint8Array;
	/** Decodable without earlier pictures; the others build on the one this encoder made before. */
	isKey: boolean;
	/** Codec description, on the keys of codecs that need one. */
	config: Uint8Array | null;
}

/** Makes one rendition, one picture at a time. */
export interface Encoder {
	/** It could not be opened and makes nothing. */
	readonly isUnavailable: boolean;
	/**
	 * Encodes one picture, as a key when asked and when it is the first; null when the encoder is closed or unavailable. Does not free
	 * `raw`, which may be freed while this runs. Rejects when the picture cannot be encoded.
	 */
	encode(raw: RawFrame, wish: { key: boolean }): Promise<EncodedPicture | null>;
	/** Frees everything, at once or when the picture under way is done; a second call does nothing. */
	close(): void;
}

/** The encoder of `rendition`; `h264` says who makes H.264 on this machine. Nothing is opened before the first picture. */
export function encoderOf(
	rendition: Rendition,
	{ framesPerSecond, h264 }: { framesPerSecond: number; h264: H264Codec },
): Encoder {
	if (rendition.codec === "h264") return new SteadyEncoder(rendition, framesPerSecond, h264);
	return {
		isUnavailable: false,
		encode: async (raw) => ({ body: await encodeJpeg(raw, rendition), isKey: true, config: null }),
		close() {},
	};
}
