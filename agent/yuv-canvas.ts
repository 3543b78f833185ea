import type { Size } from "#shared/ladder.ts";

/** Luma and the two colour differences, 0..255 each, full range. */
export type Yuv = readonly [y: number, u: number, v: number];

export interface Point {
	x: number;
	y: number;
}

interface Plane extends Size {
	/** Which of Y, U and V. */
	component: 0 | 1 | 2;
	/** Picture pixels per sample, both ways. */
	step: 1 | 2;
	offset: number;
}

/** Full-range BT.601, as JPEG has it (ITU-T T.871), of red, green and blue 0..255. */
export function toYuv([red, green, blue]: readonly [number, number, number]): Yuv {
	const y = 0.299 * red + 0.587 * green + 0.114 * blue;
	return [Math.round(y), Math.round(128 + (blue - y) / 1.772), Math.round(128 + (red - y) / 1.402)];
}

/** Draws on packed yuvj420p planes. */
export class YuvCanvas {
	/** Planes Y, U, V, chroma sizes rounded up. */
	readonly pixels: Uint8Array;
	/** The Y plane of them. */
	readonly luma: Uint8Array;
	readonly #planes: readonly Plane[];

	constructor({ width, height }: Size) {
		const chroma = { step: 2, width: Math.ceil(width / 2), height: Math.ceil(height / 2) } as const;
		const chromaBytes = chroma.width * chroma.height;
		this.#planes = [
			{ component: 0, step: 1, width, height, offset: 0 },
			{ component: 1, ...chroma, offset: width * height },
			{ component: 2, ...chroma, offset: width * height + chromaBytes },
		];
		this.pixels = new Uint8Array(width * height + 2 * chromaBytes);
		this.luma = this.pixels.subarray(0, width * height);
	}

	/** Rows `top` to before `bottom`, each with the same colours from left to right. */
	fillRows(top: number, bottom: number, colourAt: (x: number) => Yuv): void {
		for (const { component, step, width, height, offset } of this.#planes) {
			const row = Uint8Array.from({ length: width }, (_, x) => colourAt(x * step)[component]);
			const end = Math.min(height, Math.ceil(bottom / step));
			for (let y = Math.ceil(top / step); y < end; y++) this.pixels.set(row, offset + y * width);
		}
	}

	/** A filled circle with soft edges; what lies outside the picture is left out. */
	dot(centre: Point, radius: number, colour: Yuv): void {
		this.#around(centre, radius, (plane, y, left, right) => {
			const value = colour[plane.component];
			for (let x = left; x < right; x++) {
				const distance = Math.hypot((x + 0.5) * plane.step - centre.x, (y + 0.5) * plane.step - centre.y);
				const coverage = Math.min(1, Math.max(0, radius + 0.5 - distance));
				const at = plane.offset + y * plane.width + x;
				const under = this.pixels[at] ?? 0;
				this.pixels[at] = Math.round(under + (value - under) * coverage);
			}
		});
	}

	/** Copies back from `original`, pixels of the same size, what a dot may have covered. */
	restore(centre: Point, radius: number, original: Uint8Array): void {
		this.#around(centre, radius, (plane, y, left, right) => {
			const row = plane.offset + y * plane.width;
			this.pixels.set(original.subarray(row + left, row + right), row + left);
		});
	}

	#around(
		centre: Point,
		radius: number,
		visit: (plane: Plane, y: number, left: number, right: number) => void,
	): void {
		for (const plane of this.#planes) {
			const reach = radius + 2;
			const from = (middle: number) => Math.max(0, Math.floor((middle - reach) / plane.step));
			const to = (middle: number, end: number) => Math.min(end, Math.ceil((middle + reach) / plane.step));
			const [left, right] = [from(centre.x), to(centre.x, plane.width)];
			for (let y = from(centre.y); y < to(centre.y, plane.height); y++) visit(plane, y, left, right);
		}
	}
}
