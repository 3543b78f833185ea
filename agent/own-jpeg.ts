import { MAX_BODY_BYTES } from "#shared/frame.ts";
import type { Size } from "#shared/ladder.ts";
import { HUFFMAN_TABLES } from "./huffman-tables.ts";
import { isFrameHeader, isStandalone, u16 } from "./jpeg-header.ts";
import { isAcceptableSize } from "./limits.ts";

const MARKER = { huffman: 0xc4, start: 0xd8, end: 0xd9, scan: 0xda, quantisation: 0xdb, app1: 0xe1 } as const;
const BASELINE = 0xc0;
const SHOWN = [BASELINE, 0xc1, 0xc2]; // baseline, extended, progressive: what browsers decode, all of Huffman coding
const GREY_OR_COLOUR = [1, 3]; // components; four are for printing
const STANDARD_LUMA_SUM = 3688; // of the 64 steps of ITU-T T.81 table K.1, which is quality 50

/** A camera's own JPEG, fit to be shown as it is. */
export interface OwnJpeg extends Size {
	/** The camera's bytes; where it left the standard Huffman tables out, with them. */
	body: Uint8Array;
	/** On the scale of libjpeg, 1..100, by how coarse its quantisation is. */
	quality: number;
}

/**
 * `jpeg` for passing on; null when browsers would not show it, or not as the agent's own JPEGs are, or when it is
 * larger than the wire takes. Reads its headers alone. The body shares the memory of `jpeg`, unless tables were added.
 */
export function ownJpeg(jpeg: Buffer): OwnJpeg | null {
	const end = endOf(jpeg);
	if (end < 0 || jpeg[0] !== 0xff || jpeg[1] !== MARKER.start) return null;
	let size: Size | null = null;
	let frame = 0;
	let quality: number | null = null;
	let hasTables = false;
	for (let at = 2; at + 9 <= end; ) {
		if (jpeg[at] !== 0xff) return null;
		const marker = jpeg[at + 1] ?? 0;
		const length = u16(jpeg, at + 2);
		const segment = jpeg.subarray(at + 4, Math.min(end, at + 2 + length));
		if (marker === 0xff) at += 1;
		else if (isStandalone(marker)) at += 2;
		else if (marker === MARKER.scan) {
			if (!size || quality === null || (!hasTables && frame !== BASELINE)) return null;
			const whole = jpeg.subarray(0, end);
			const body = hasTables
				? whole
				: Buffer.concat([whole.subarray(0, at), HUFFMAN_TABLES, whole.subarray(at)]);
			return body.length > MAX_BODY_BYTES ? null : { ...size, body, quality };
		} else {
			if (isExif(marker, segment)) return null; // it may turn the picture, and name a place
			if (marker === MARKER.huffman) hasTables = true;
			else if (marker === MARKER.quantisation) quality = qualityOf(segment) ?? quality;
			else if (isFrameHeader(marker)) {
				frame = marker;
				size = { height: u16(segment, 1), width: u16(segment, 3) };
				if (!isShown(marker, segment) || !isAcceptableSize(size.width, size.height)) return null;
			}
			at += 2 + length;
		}
	}
	return null;
}

/** Past the end marker; drivers pad pictures with zeros. -1 when there is none. */
function endOf(jpeg: Buffer): number {
	let end = jpeg.length;
	while (end > 0 && jpeg[end - 1] === 0) end--;
	return jpeg[end - 2] === 0xff && jpeg[end - 1] === MARKER.end ? end : -1;
}

function isShown(marker: number, header: Uint8Array): boolean {
	return SHOWN.includes(marker) && header[0] === 8 && GREY_OR_COLOUR.includes(header[5] ?? 0);
}

function isExif(marker: number, segment: Buffer): boolean {
	return marker === MARKER.app1 && segment.toString("latin1", 0, 4) === "Exif";
}

/** By the luma table, which is the first; steps end at 255, so below 25 it is a few too high. Null when it is not here. */
function qualityOf(segment: Uint8Array): number | null {
	const is16Bit = (segment[0] ?? 0) >> 4 > 0;
	if (((segment[0] ?? 0) & 15) > 0 || segment.length < (is16Bit ? 129 : 65)) return null;
	let sum = 0;
	for (let i = 0; i < 64; i++) sum += is16Bit ? u16(segment, 1 + 2 * i) : segment[1 + i]!;
	const percent = (100 * sum) / STANDARD_LUMA_SUM;
	const quality = percent <= 100 ? (200 - percent) / 2 : 5000 / percent; // as libjpeg's jpeg_quality_scaling
	return Math.min(100, Math.max(1, Math.round(quality)));
}
