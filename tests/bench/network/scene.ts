import { closeSync, openSync, rmSync, writeSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const WIDTH = 1280;
const HEIGHT = 720;
const FRAMES = 48; // a loop: noise never repeats within what a rate rule remembers of single frames
const PAN = 4; // pixels a frame
const NOISE_SIGMA = 2.3; // of 255: a camera by day
const TEXTURE = 6.5; // with this a frame of every rung is within 10 % of the ladder's nominal bytes
const LIGHT = 0.25; // share by which the contrast, and with it the bytes of a frame, rises and falls in a loop

/**
 * Writes a video of a scene as hard to encode as the photographs the ladder was measured on: detail of all sizes,
 * slowly panned, under a camera's noise. Uncompressed, so that reading it costs nothing. Disposing deletes it.
 */
export class Scene implements Disposable {
	readonly path: string;

	constructor(framesPerSecond: number) {
		this.path = join(tmpdir(), `sightline-scene-${process.pid}-${framesPerSecond}.y4m`);
		const file = openSync(this.path, "w");
		writeSync(file, `YUV4MPEG2 W${WIDTH} H${HEIGHT} F${framesPerSecond}:1 Ip A1:1 C420jpeg\n`);
		const random = lcg(1);
		const texture = sceneTexture(random);
		const noise = Float32Array.from({ length: 1_000_003 }, () => gauss(random) * NOISE_SIGMA);
		const luma = new Uint8ClampedArray(WIDTH * HEIGHT);
		const chroma = new Uint8ClampedArray((WIDTH * HEIGHT) / 4);
		for (let frame = 0; frame < FRAMES; frame++) {
			const shift = Math.round(Math.abs(frame - FRAMES / 2)) * PAN; // there and back: the loop has no cut
			const gain = 1 + LIGHT * Math.sin((2 * Math.PI * frame) / FRAMES);
			const from = Math.floor(random() * noise.length);
			for (let y = 0, i = 0; y < HEIGHT; y++)
				for (let x = 0; x < WIDTH; x++, i++)
					luma[i] =
						118 + gain * texture[y * (WIDTH + FRAMES * PAN) + x + shift]! + noise[(from + i) % noise.length]!;
			writeSync(file, "FRAME\n");
			writeSync(file, luma);
			for (const sign of [1, -1]) {
				for (let y = 0, i = 0; y < HEIGHT / 2; y++)
					for (let x = 0; x < WIDTH / 2; x++, i++)
						chroma[i] =
							128 +
							sign * 0.25 * gain * texture[2 * y * (WIDTH + FRAMES * PAN) + 2 * x + shift]! +
							0.7 * noise[(from + i * 7) % noise.length]!;
				writeSync(file, chroma);
			}
		}
		closeSync(file);
	}

	[Symbol.dispose](): void {
		rmSync(this.path, { force: true });
	}
}

/** Amplitudes as in photographs, near 1/f, for a picture wide enough to pan over. */
function sceneTexture(random: () => number): Float32Array {
	const width = WIDTH + FRAMES * PAN;
	const texture = new Float32Array(width * HEIGHT);
	for (let cell = 2; cell <= 256; cell *= 2) {
		const columns = Math.ceil(width / cell) + 2;
		const rows = Math.ceil(HEIGHT / cell) + 2;
		const grid = Float32Array.from({ length: columns * rows }, () => random() - 0.5);
		const amplitude = TEXTURE * cell ** 0.5;
		for (let y = 0; y < HEIGHT; y++) {
			const row = Math.floor(y / cell) * columns;
			const down = (y % cell) / cell;
			for (let x = 0; x < width; x++) {
				const at = row + Math.floor(x / cell);
				const right = (x % cell) / cell;
				const top = grid[at]! * (1 - right) + grid[at + 1]! * right;
				const bottom = grid[at + columns]! * (1 - right) + grid[at + columns + 1]! * right;
				texture[y * width + x]! += amplitude * (top * (1 - down) + bottom * down);
			}
		}
	}
	return texture;
}

/** The same numbers every time. */
function lcg(seed: number): () => number {
	let state = seed;
	return () => {
		state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
		return state / 2 ** 32;
	};
}

function gauss(random: () => number): number {
	return (random() + random() + random() + random() - 2) * Math.sqrt(3);
}
