import type { Size } from "#shared/ladder.ts";

const START = 0xd8;
const END = 0xd9;
const SCAN = 0xda;

/**
 * Size of a whole JPEG as its own header says it (ITU-T T.81, annex B): null unless the bytes start and end like a
 * JPEG and name a frame size before the first scan. Reads some hundred bytes, never the picture.
 */
export function jpegSize(bytes: Uint8Array): Size | null {
	if (bytes[0] !== 0xff || bytes[1] !== START) return null;
	if (bytes.at(-2) !== 0xff || bytes.at(-1) !== END) return null;
	let at = 2;
	while (at + 9 < bytes.length) {
		if (bytes[at] !== 0xff) return null;
		const marker = bytes[at + 1]!;
		if (marker === 0xff) {
			at++; // fill byte
			continue;
		}
		if (marker === SCAN) return null;
		const length = (bytes[at + 2]! << 8) | bytes[at + 3]!;
		if (isFrameHeader(marker))
			return {
				height: (bytes[at + 5]! << 8) | bytes[at + 6]!,
				width: (bytes[at + 7]! << 8) | bytes[at + 8]!,
			};
		at += 2 + length;
	}
	return null;
}

/** SOF0..SOF15 without the three markers of that range that are something else (DHT, JPG, DAC). */
function isFrameHeader(marker: number): boolean {
	return marker >= 0xc0 && marker <= 0xcf && marker !== 0xc4 && marker !== 0xc8 && marker !== 0xcc;
}
