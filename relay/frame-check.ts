import { ProtocolError } from "#shared/errors.ts";
import { type FrameHeader, MAX_BODY_BYTES } from "#shared/frame.ts";
import { ladderOf, type Rendition } from "#shared/ladder.ts";
import { isRandomAccess } from "./avc-unit.ts";
import { jpegSize } from "./jpeg-size.ts";
import { spsSize } from "./sps-size.ts";

const MAX_RUNGS = { jpeg: 12, h264: 8 }; // the choice of a set looks at every four of them
const MAX_CROPPED = 64; // of a side: encoders fill up whole macroblocks, some of them two or four
const FIRST_H264_ID = 200; // below it are those of JPEG

/** Why a frame is not passed on, as its agent is told. */
export interface Fault {
	reason: "frame-too-large" | "bad-frame";
	message: string;
}

/** What is wrong with a frame of a camera that has these `renditions` and has come to `maxEpoch` at most, or null. */
export function faultOf(
	header: FrameHeader,
	body: Uint8Array,
	{ renditions, maxEpoch }: { renditions: readonly Rendition[]; maxEpoch: number },
): Fault | null {
	if (body.length > MAX_BODY_BYTES)
		return {
			reason: "frame-too-large",
			message: `frame of ${body.length} bytes, at most ${MAX_BODY_BYTES} are taken`,
		};
	const rendition = renditions.find(({ id }) => id === header.rendition);
	const words = rendition
		? (faultInHeader(header, rendition, maxEpoch) ??
			(header.codec === "jpeg" ? faultInJpeg(header, body) : faultInAvc(header, body)))
		: `rendition ${header.rendition} is not offered`;
	return words === null ? null : { reason: "bad-frame", message: words };
}

function faultInHeader(header: FrameHeader, rendition: Rendition, maxEpoch: number): string | null {
	if (header.codec !== rendition.codec)
		return `codec ${header.codec} in a rendition of codec ${rendition.codec}`;
	if (header.width > rendition.width || header.height > rendition.height)
		return `${header.width}x${header.height} in a rendition of ${rendition.width}x${rendition.height}`;
	if (header.epoch > maxEpoch) return `epoch ${header.epoch}, at most ${maxEpoch} can be by now`;
	return null;
}

function faultInJpeg(header: FrameHeader, body: Uint8Array): string | null {
	if (!header.isKey || header.config) return "a JPEG is a key and has no config";
	const size = jpegSize(body);
	if (!size) return "body is not a whole JPEG";
	if (size.width !== header.width || size.height !== header.height)
		return `JPEG of ${size.width}x${size.height}, its header says ${header.width}x${header.height}`;
	return null;
}

function faultInAvc(header: FrameHeader, body: Uint8Array): string | null {
	const { isKey, config } = header;
	if (isKey !== (config !== null)) return "H.264 has a config with every key and no other frame";
	const faultInConfig = config && faultInAvcConfig(header, config);
	if (faultInConfig) return faultInConfig;
	const isDecodableAlone = isRandomAccess(body);
	if (isDecodableAlone === null)
		return "body is no access unit of length-prefixed NAL units, parameter sets apart";
	if (isDecodableAlone !== isKey)
		return isKey ? "a key without an IDR picture" : "an IDR picture that is no key";
	return null;
}

/** A small header must not make decoders allocate a large picture. */
function faultInAvcConfig({ width, height }: FrameHeader, config: Uint8Array): string | null {
	const size = spsSize(config);
	if (!size)
		return "config is no avcC record of version 1 with one sequence parameter set and lengths of 4 bytes";
	const { coded, shown } = size;
	if (shown.width !== width || shown.height !== height)
		return `config of ${shown.width}x${shown.height}, its header says ${width}x${height}`;
	if (coded.width - width >= MAX_CROPPED || coded.height - height >= MAX_CROPPED)
		return `config of ${coded.width}x${coded.height} coded for ${width}x${height}`;
	return null;
}

/** The JPEG ladder is 0, 1, 2 ..., that of H.264 grows, and every id stands there once; throws ProtocolError. */
export function checkRenditions(renditions: readonly Rendition[]): void {
	const jpeg = ladderOf(renditions, "jpeg");
	if (jpeg.some(({ id }, i) => id !== i) || jpeg.length > MAX_RUNGS.jpeg)
		throw new ProtocolError(
			`camera.renditions: the ladder's ids must be 0 to at most ${MAX_RUNGS.jpeg - 1}, in order`,
		);
	const h264 = ladderOf(renditions, "h264");
	const isGrowing = h264.every(({ id }, i) => id > (h264[i - 1]?.id ?? FIRST_H264_ID - 1));
	if (!isGrowing || h264.length > MAX_RUNGS.h264)
		throw new ProtocolError(
			`camera.renditions: the H.264 ladder's ids must be ${FIRST_H264_ID} and up, in order, at most ${MAX_RUNGS.h264} of them`,
		);
	if (new Set(renditions.map(({ id }) => id)).size < renditions.length)
		throw new ProtocolError("camera.renditions: an id stands there twice");
}
