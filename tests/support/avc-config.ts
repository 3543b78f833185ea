const MACROBLOCK = 16;

/** An avcC record of a baseline stream of this size, even sides, cropped out of whole macroblocks or out of `coded`. */
export function avcConfig(
	{ width, height }: { width: number; height: number },
	coded: { width: number; height: number } = { width, height },
): Uint8Array {
	const columns = Math.ceil(coded.width / MACROBLOCK);
	const rows = Math.ceil(coded.height / MACROBLOCK);
	const right = (columns * MACROBLOCK - width) / 2;
	const bottom = (rows * MACROBLOCK - height) / 2;
	// id, frame number, order 2, one reference, no gaps, size, frames only, inference, cropping, no VUI, stop bit
	const bits = [0, 0, 2, 1]
		.map(exponential)
		.join("")
		.concat("0", exponential(columns - 1), exponential(rows - 1));
	const cropping = [0, right, 0, bottom].map(exponential).join("");
	const all = `${bits}111${cropping}01`;
	const set = [
		0x67,
		66,
		0xc0,
		31,
		...(all.match(/.{1,8}/g) ?? []).map((byte) => Number.parseInt(byte.padEnd(8, "0"), 2)),
	];
	return Uint8Array.from([1, 66, 0xc0, 31, 0xff, 0xe1, 0, set.length, ...set, 1, 0, 2, 0x68, 0xce]);
}

/** ITU-T H.264, clause 9.1. */
function exponential(value: number): string {
	const binary = (value + 1).toString(2);
	return "0".repeat(binary.length - 1) + binary;
}
