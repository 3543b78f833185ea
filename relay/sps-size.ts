import type { Size } from "#shared/ladder.ts";

const SPS = 7;
const TYPE_BITS = 0x1f;
const HEADER_BYTES = 8; // of an avcC record, up to its first parameter set
const LENGTHS_OF_FOUR = 3;
const MACROBLOCK = 16;
const MAX_CYCLE = 255;
/** Profiles whose parameter sets say how colours are coded. */
const HIGH_PROFILES = new Set([100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135]);

/** What a decoder makes of a stream. */
export interface SpsSize {
	/** What it allocates. */
	coded: Size;
	/** What of it is shown. */
	shown: Size;
}

/** The picture size in an avcC record (ISO/IEC 14496-15) of one sequence parameter set and lengths of 4 bytes, or null. */
export function spsSize(config: Uint8Array): SpsSize | null {
	const [version, , , , lengths = 0, sets = 0, high = 0, low = 0] = config;
	if (version !== 1 || (lengths & 3) !== LENGTHS_OF_FOUR || (sets & TYPE_BITS) !== 1) return null;
	const unit = config.subarray(HEADER_BYTES, HEADER_BYTES + high * 256 + low);
	if (unit.length !== high * 256 + low || ((unit[0] ?? 0) & TYPE_BITS) !== SPS) return null;
	try {
		return sizeIn(new BitReader(withoutEmulation(unit.subarray(1))));
	} catch (cause) {
		if (cause instanceof RangeError) return null;
		throw cause;
	}
}

/** Reads a sequence parameter set (ITU-T H.264, 7.3.2.1.1) up to its cropping; throws RangeError where it is cut short. */
function sizeIn(bits: BitReader): SpsSize {
	const profile = bits.fixed(8);
	bits.fixed(16); // constraints, level
	bits.unsigned(); // id
	let chroma = 1;
	if (HIGH_PROFILES.has(profile)) {
		chroma = bits.unsigned();
		if (chroma === 3 && bits.fixed(1) === 1) chroma = 0; // planes coded apart, each as if it were grey
		bits.unsigned(); // depth of luma
		bits.unsigned(); // and chroma
		bits.fixed(1);
		if (bits.fixed(1) === 1) skipScaling(bits, chroma === 3 ? 12 : 8);
	}
	bits.unsigned(); // bits of a frame's number
	skipOrder(bits);
	bits.unsigned(); // reference frames
	bits.fixed(1);
	const columns = bits.unsigned() + 1;
	const rows = bits.unsigned() + 1;
	const fields = bits.fixed(1) === 1 ? 1 : 2;
	if (fields === 2) bits.fixed(1);
	bits.fixed(1);
	const coded = { width: columns * MACROBLOCK, height: rows * MACROBLOCK * fields };
	if (bits.fixed(1) === 0) return { coded, shown: coded };
	const unitX = chroma === 1 || chroma === 2 ? 2 : 1;
	const unitY = (chroma === 1 ? 2 : 1) * fields;
	const width = coded.width - unitX * (bits.unsigned() + bits.unsigned());
	const height = coded.height - unitY * (bits.unsigned() + bits.unsigned());
	return { coded, shown: { width, height } };
}

function skipScaling(bits: BitReader, lists: number): void {
	for (let list = 0; list < lists; list++) {
		if (bits.fixed(1) === 0) continue;
		let last = 8;
		for (let left = list < 6 ? 16 : 64; left > 0; left--) {
			const next = (last + bits.signed() + 256) % 256;
			if (next === 0) break; // the rest is as the last
			last = next;
		}
	}
}

/** The order in which pictures are shown. */
function skipOrder(bits: BitReader): void {
	const type = bits.unsigned();
	if (type === 0) bits.unsigned();
	if (type !== 1) return;
	bits.fixed(1);
	bits.signed();
	bits.signed();
	const cycle = bits.unsigned();
	if (cycle > MAX_CYCLE) throw new RangeError("cycle too long");
	for (let i = 0; i < cycle; i++) bits.signed();
}

/** Without the threes that keep start codes out of a NAL unit. */
function withoutEmulation(bytes: Uint8Array): Uint8Array {
	return bytes.filter((byte, i) => !(byte === 3 && i >= 2 && bytes[i - 1] === 0 && bytes[i - 2] === 0));
}

/** Bits from the highest on, and the Exp-Golomb codes of clause 9.1; throws RangeError at the end. */
class BitReader {
	readonly #bytes: Uint8Array;
	#at = 0;

	constructor(bytes: Uint8Array) {
		this.#bytes = bytes;
	}

	fixed(count: number): number {
		let value = 0;
		for (let i = 0; i < count; i++, this.#at++) {
			const byte = this.#bytes[this.#at >> 3];
			if (byte === undefined) throw new RangeError("cut short");
			value = value * 2 + ((byte >> (7 - (this.#at & 7))) & 1);
		}
		return value;
	}

	unsigned(): number {
		let zeros = 0;
		while (this.fixed(1) === 0) if (++zeros > 31) throw new RangeError("no number");
		return 2 ** zeros - 1 + this.fixed(zeros);
	}

	signed(): number {
		const code = this.unsigned();
		return code % 2 === 1 ? (code + 1) / 2 : -code / 2;
	}
}
