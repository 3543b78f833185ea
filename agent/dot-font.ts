/** A picture of one character: luma bytes, packed rows. */
interface Glyph {
	width: number;
	height: number;
	luma: Uint8Array;
}

const COLUMNS = 5;
const ROWS = 7;
const ADVANCE = COLUMNS + 1;

// One hexadecimal pair a row, top first, five dots each.
const DOTS: Readonly<Record<string, string>> = {
	" ": "00000000000000",
	"0": "0e11131519110e",
	"1": "040c040404040e",
	"2": "0e11010204081f",
	"3": "1f02040201110e",
	"4": "02060a121f0202",
	"5": "1f101e0101110e",
	"6": "0608101e11110e",
	"7": "1f010204080808",
	"8": "0e11110e11110e",
	"9": "0e11110f01020c",
	":": "00040400040400",
	".": "00000000000404",
	A: "0e1111111f1111",
	C: "0e11101010110e",
	D: "1c12111111121c",
	E: "1f10101e10101f",
	F: "1f10101e101010",
	G: "0e11101711110f",
	H: "1111111f111111",
	I: "0e04040404040e",
	L: "1010101010101f",
	M: "111b1515111111",
	N: "11111915131111",
	P: "1e11111e101010",
	R: "1e11111e141211",
	S: "0f10100e01011e",
	T: "1f040404040404",
	X: "00110a040a1100",
};

/** Round dots, `dot` px apart, of the characters the test card writes; made once, then only copied. */
export class DotFont {
	readonly height: number;
	readonly #dot: number;
	readonly #glyphs = new Map<string, Glyph>();

	/** `ink` and `paper` are luma values 0..255. */
	constructor(dot: number, ink: number, paper: number) {
		this.#dot = dot;
		this.height = ROWS * dot;
		for (const [character, dots] of Object.entries(DOTS)) {
			this.#glyphs.set(character, drawGlyph(dots, dot, ink, paper));
		}
	}

	/** Width in px of `text`. */
	width(text: string): number {
		return text.length * ADVANCE * this.#dot;
	}

	/** Writes `text` into a luma plane at (x, y), which must have room for it. Unknown characters are left out. */
	write(plane: Uint8Array, stride: number, x: number, y: number, text: string): void {
		let left = x;
		for (const character of text) {
			const glyph = this.#glyphs.get(character);
			for (let row = 0; glyph && row < glyph.height; row++) {
				const line = glyph.luma.subarray(row * glyph.width, (row + 1) * glyph.width);
				plane.set(line, (y + row) * stride + left);
			}
			left += ADVANCE * this.#dot;
		}
	}
}

function drawGlyph(dots: string, dot: number, ink: number, paper: number): Glyph {
	const width = ADVANCE * dot;
	const height = ROWS * dot;
	const luma = new Uint8Array(width * height);
	for (let y = 0; y < height; y++) {
		const bits = Number.parseInt(dots.slice(Math.floor(y / dot) * 2, Math.floor(y / dot) * 2 + 2), 16);
		for (let x = 0; x < width; x++) {
			const column = Math.floor(x / dot);
			const lit = column < COLUMNS && (bits >> (COLUMNS - 1 - column)) & 1;
			const coverage = lit ? dotCoverage((x % dot) + 0.5 - dot / 2, (y % dot) + 0.5 - dot / 2, dot) : 0;
			luma[y * width + x] = Math.round(paper + (ink - paper) * coverage);
		}
	}
	return { width, height, luma };
}

function dotCoverage(x: number, y: number, dot: number): number {
	if (dot < 4) return 1; // too small to be round
	return Math.min(1, Math.max(0, dot * 0.48 + 0.5 - Math.hypot(x, y)));
}
