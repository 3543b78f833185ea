import type { Size } from "#shared/ladder.ts";

const SOI = 0xd8;
const SOS = 0xda;
const EOI = 0xd9;

/** The size a JPEG's frame header (SOF, ITU-T T.81 B.2.2) claims, without decoding; null when there is none. */
export function jpegSize(jpeg: Uint8Array): Size | null {
	if (jpeg[0] !== 0xff || jpeg[1] !== SOI) return null;
	let at = 2;
	while (at + 9 <= jpeg.length) {
		if (jpeg[at] !== 0xff) return null;
		const marker = jpeg[at + 1] ?? 0;
		if (marker === 0xff) {
			at++; // fill byte
			continue;
		}
		if (isFrameHeader(marker)) return { height: u16(jpeg, at + 5), width: u16(jpeg, at + 7) };
		if (marker === SOS || marker === EOI) return null;
		at += isStandalone(marker) ? 2 : 2 + u16(jpeg, at + 2);
	}
	return null;
}

/** SOF0..SOF15 without the table segments that share the range: DHT, JPG, DAC. */
export function isFrameHeader(marker: number): boolean {
	return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}

/** Markers without a length: TEM, RST0..RST7, SOI. */
export function isStandalone(marker: number): boolean {
	return marker === 0x01 || (marker >= 0xd0 && marker <= SOI);
}

export function u16(bytes: Uint8Array, at: number): number {
	return (bytes[at] ?? 0) * 256 + (bytes[at + 1] ?? 0);
}
