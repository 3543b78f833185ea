const LENGTH_BYTES = 4;
const TYPE_BITS = 0x1f;
const IDR = 5;
const SLICE = 1;
/** Sequence and picture parameter sets, their extension and subset: they belong to the config, which is checked. */
const PARAMETER_SETS = new Set([7, 8, 13, 15]);

/**
 * Whether an H.264 access unit can be decoded alone, because its picture is an IDR (ITU-T H.264, table 7-1): null unless
 * the bytes are NAL units, each behind its length of four bytes, with one kind of picture and no parameter sets in them. Reads five bytes of each.
 */
export function isRandomAccess(bytes: Uint8Array): boolean | null {
	let isIdr: boolean | null = null;
	let at = 0;
	while (at + LENGTH_BYTES < bytes.length) {
		const length = bytes[at]! * 2 ** 24 + ((bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!);
		const type = bytes[at + LENGTH_BYTES]! & TYPE_BITS;
		if (length === 0 || PARAMETER_SETS.has(type)) return null;
		if (type >= SLICE && type <= IDR) {
			if (isIdr !== null && isIdr !== (type === IDR)) return null;
			isIdr = type === IDR;
		}
		at += LENGTH_BYTES + length;
	}
	return at === bytes.length ? isIdr : null;
}
