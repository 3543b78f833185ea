import {
	FF_ENCODER_H264_NVENC,
	FF_ENCODER_H264_VIDEOTOOLBOX,
	FF_ENCODER_LIBX264,
	type FFVideoEncoder,
} from "node-av";
import type { H264Rendition } from "#shared/ladder.ts";

/** One of FFmpeg's H.264 encoders that take pictures from memory, and how it is told to hold none back. */
export interface H264Codec {
	readonly name: FFVideoEncoder;
	/** Bits per second to aim at, below the greatest rate; null where the crf is the aim. */
	bitRate(rendition: Pick<H264Rendition, "maxBps">): number | null;
	options(rendition: Pick<H264Rendition, "crf">): Record<string, string>;
}

const AIM = 0.7; // of the greatest rate, for encoders without a crf

/** The encoders the setting ENCODER names; those of VAAPI and QSV take surfaces instead of memory. */
export const H264_CODECS = {
	software: {
		name: FF_ENCODER_LIBX264,
		bitRate: () => null,
		options: ({ crf }) => ({
			// ultrafast with what it saves at the wrong place: a third less CPU than superfast for the same picture, from
			// 10 % more bits in a pan to a third fewer of a still scene, whose noise full-strength AQ would encode.
			preset: "ultrafast",
			"x264-params": "cabac=1:no-deblock=0:8x8dct=1:aq-mode=1:aq-strength=0.5",
			tune: "zerolatency",
			"forced-idr": "1",
			sc_threshold: "0", // keys where they are asked for, not where the scene changes
			crf: String(crf), // without the greatest rate, sensor noise would take ten times the bits
		}),
	},
	nvenc: {
		name: FF_ENCODER_H264_NVENC,
		bitRate: () => null,
		options: ({ crf }) => ({
			preset: "p3",
			tune: "ull",
			rc: "vbr",
			cq: String(crf),
			delay: "0",
			zerolatency: "1",
			"forced-idr": "1",
			"no-scenecut": "1",
		}),
	},
	videotoolbox: {
		name: FF_ENCODER_H264_VIDEOTOOLBOX,
		bitRate: ({ maxBps }) => AIM * maxBps,
		options: () => ({ realtime: "1", prio_speed: "1", max_ref_frames: "1" }),
	},
} as const satisfies Record<string, H264Codec>;

export type H264CodecName = keyof typeof H264_CODECS;
