/**
 * A clock a program can read from a picture, whatever JPEG and scaling did to it.
 * Two rows of black and white cells at the bottom: in each row two finder cells, 20 data cells, two finder cells.
 * The 40 data bits are the low 32 bits of a time in whole ms, then a CRC-8 of them, most significant bit first.
 */
export interface PixelClockPicture {
	width: number;
	height: number;
	/** Bytes a pixel: luma, RGB or RGBA, packed without row padding. */
	channels: 1 | 3 | 4;
}

const ROWS = 2;
const DATA_CELLS = 20;
const FINDER = { left: [1, 0], right: [0, 1] } as const;
const CELLS = FINDER.left.length + DATA_CELLS + FINDER.right.length;
/** Part of the picture's height a row takes: 10 px of 180, more than one JPEG block. */
const ROW_HEIGHT = 1 / 18;
/** Smallest difference between the black and the white finder cells of a readable clock, of 255. */
const MIN_CONTRAST = 80;
/** Part of the contrast around its middle in which a cell is neither black nor white. */
const UNDECIDED = 0.3;

/** Height in px of the strip the clock covers at the bottom of a picture `height` px high. */
export function pixelClockHeight(height: number): number {
	return ROWS * Math.max(1, Math.round(height * ROW_HEIGHT));
}

/** Draws `timeMs` (ms, whole part used) over the bottom of the picture, in place. Alpha is not touched. */
export function drawPixelClock(pixels: Uint8Array, picture: PixelClockPicture, timeMs: number): void {
	const { width, height, channels } = picture;
	const cells = cellsOf(timeMs);
	const rowHeight = pixelClockHeight(height) / ROWS;
	const stride = width * channels;
	for (let row = 0; row < ROWS; row++) {
		const first = (height - (ROWS - row) * rowHeight) * stride;
		for (let cell = 0; cell < CELLS; cell++) {
			const from = first + cellEdge(cell, width) * channels;
			const to = first + cellEdge(cell + 1, width) * channels;
			const value = cells[row * CELLS + cell] ? 255 : 0;
			if (channels < 4) pixels.fill(value, from, to);
			else for (let i = from; i < to; i++) if ((i - first) % 4 < 3) pixels[i] = value;
		}
		for (let line = 1; line < rowHeight; line++) {
			pixels.copyWithin(first + line * stride, first, first + stride);
		}
	}
}

/** The low 32 bits of the drawn time in ms, or null when the picture shows no clock or a damaged one. */
export function readPixelClock(pixels: ArrayLike<number>, picture: PixelClockPicture): number | null {
	const levels: number[] = [];
	const rowHeight = (picture.height * pixelClockHeight(REFERENCE_HEIGHT)) / REFERENCE_HEIGHT / ROWS;
	for (let row = 0; row < ROWS; row++) {
		const top = picture.height - (ROWS - row) * rowHeight;
		for (let cell = 0; cell < CELLS; cell++) levels.push(cellLevel(pixels, picture, cell, top, rowHeight));
	}
	const bits = decide(levels);
	if (!bits) return null;
	let time = 0;
	for (const bit of bits.slice(0, 32)) time = time * 2 + bit;
	const checksum = bits.slice(32).reduce((value, bit) => value * 2 + bit, 0);
	return checksum === crc8(time) ? time : null;
}

/** Age in ms at `nowMs` (same clock as drawn) of a time read from a picture; right for ages below 24 days. */
export function pixelClockAge(low32: number, nowMs: number): number {
	const difference = (nowMs - low32) % 2 ** 32;
	if (difference >= 2 ** 31) return difference - 2 ** 32;
	return difference < -(2 ** 31) ? difference + 2 ** 32 : difference;
}

// Rounding at drawing size must not move the rows when the picture is read at another size.
const REFERENCE_HEIGHT = 720;

function cellsOf(timeMs: number): number[] {
	const time = Math.floor(timeMs) % 2 ** 32;
	const bits: number[] = [];
	for (let bit = 31; bit >= 0; bit--) bits.push(Math.floor(time / 2 ** bit) % 2);
	for (let bit = 7; bit >= 0; bit--) bits.push((crc8(time) >> bit) & 1);
	const rows: number[] = [];
	for (let row = 0; row < ROWS; row++) {
		rows.push(...FINDER.left, ...bits.slice(row * DATA_CELLS, (row + 1) * DATA_CELLS), ...FINDER.right);
	}
	return rows;
}

function cellEdge(cell: number, width: number): number {
	return Math.round((cell * width) / CELLS);
}

/** Mean luma of the middle of a cell, whose borders are blurred by scaling and JPEG. */
function cellLevel(
	pixels: ArrayLike<number>,
	{ width, channels }: PixelClockPicture,
	cell: number,
	top: number,
	rowHeight: number,
): number {
	const cellWidth = width / CELLS;
	const centre = { x: (cell + 0.5) * cellWidth, y: top + rowHeight / 2 };
	let sum = 0;
	let count = 0;
	for (let y = Math.floor(centre.y - rowHeight / 4); y <= Math.floor(centre.y + rowHeight / 4); y++) {
		for (let x = Math.floor(centre.x - cellWidth / 4); x <= Math.floor(centre.x + cellWidth / 4); x++) {
			const at = (y * width + x) * channels;
			sum += channels === 1 ? (pixels[at] ?? 0) : luma(pixels, at);
			count++;
		}
	}
	return sum / count;
}

function luma(pixels: ArrayLike<number>, at: number): number {
	return ((pixels[at] ?? 0) + 2 * (pixels[at + 1] ?? 0) + (pixels[at + 2] ?? 0)) / 4;
}

/** The data bits, or null unless the finders are there and every cell is clearly black or white. */
function decide(levels: readonly number[]): number[] | null {
	const expected = [...FINDER.left, ...FINDER.right];
	const finders: { level: number; expected: number }[] = [];
	const data: number[] = [];
	for (const [index, level] of levels.entries()) {
		const cell = index % CELLS;
		if (cell < FINDER.left.length) finders.push({ level, expected: expected[cell] ?? 0 });
		else if (cell < FINDER.left.length + DATA_CELLS) data.push(level);
		else finders.push({ level, expected: expected[cell - DATA_CELLS] ?? 0 });
	}
	const black = Math.max(...finders.filter((finder) => finder.expected === 0).map(({ level }) => level));
	const white = Math.min(...finders.filter((finder) => finder.expected === 1).map(({ level }) => level));
	const contrast = white - black;
	if (!(contrast >= MIN_CONTRAST)) return null;
	const middle = (black + white) / 2;
	if (data.some((level) => Math.abs(level - middle) < (UNDECIDED * contrast) / 2)) return null;
	return data.map((level) => (level > middle ? 1 : 0));
}

/** CRC-8, polynomial x^8 + x^2 + x + 1 (ITU-T I.432.1), of the 4 bytes of `value`. */
function crc8(value: number): number {
	let crc = 0;
	for (let shift = 24; shift >= 0; shift -= 8) {
		crc ^= Math.floor(value / 2 ** shift) & 0xff;
		for (let bit = 0; bit < 8; bit++) crc = crc & 0x80 ? ((crc << 1) ^ 0x07) & 0xff : crc << 1;
	}
	return crc ^ 0x55;
}
