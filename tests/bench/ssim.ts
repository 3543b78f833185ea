import type { Size } from "#shared/ladder.ts";

const BLOCK = 4; // px; a window is two by two blocks, so windows overlap by half
const WINDOW_PIXELS = 64;
const C1 = (0.01 * 255) ** 2;
const C2 = (0.03 * 255) ** 2;

/**
 * Mean structural similarity (Wang et al. 2004) of two planes of one size without row padding, over 8x8 windows every
 * 4 px, evenly weighted, as FFmpeg's ssim filter has it.
 */
export function ssim(a: Uint8Array, b: Uint8Array, { width, height }: Size): number {
	const columns = Math.floor(width / BLOCK);
	const rows = Math.floor(height / BLOCK);
	const [sumA, sumB, sumSquares, sumProducts] = Array.from(
		{ length: 4 },
		() => new Float64Array(columns * rows),
	) as [Float64Array, Float64Array, Float64Array, Float64Array];
	for (let y = 0; y < rows * BLOCK; y++) {
		const row = Math.floor(y / BLOCK) * columns;
		for (let x = 0; x < columns * BLOCK; x++) {
			const at = row + (x >> 2);
			const p = a[y * width + x]!;
			const q = b[y * width + x]!;
			sumA[at]! += p;
			sumB[at]! += q;
			sumSquares[at]! += p * p + q * q;
			sumProducts[at]! += p * q;
		}
	}
	let total = 0;
	for (let row = 0; row < rows - 1; row++) {
		for (let column = 0; column < columns - 1; column++) {
			const at = row * columns + column;
			const windowed = (sums: Float64Array) =>
				(sums[at]! + sums[at + 1]! + sums[at + columns]! + sums[at + columns + 1]!) / WINDOW_PIXELS;
			const meanA = windowed(sumA);
			const meanB = windowed(sumB);
			const product = meanA * meanB;
			const squares = meanA * meanA + meanB * meanB;
			const variances = windowed(sumSquares) - squares;
			const covariance = windowed(sumProducts) - product;
			total += ((2 * product + C1) * (2 * covariance + C2)) / ((squares + C1) * (variances + C2));
		}
	}
	return total / ((rows - 1) * (columns - 1));
}
