// Runs inside Chromium: reads the clock out of the picture on screen, so that an age owes nothing to the product's own words.
import { pixelClockAge, readPixelClock } from "#shared/pixel-clock.ts";

const WIDTH = 320;

/** A frame of the picture when it was first seen on screen. */
interface Sighting {
	/** Age by the picture's own clock, ms. */
	ageMs: number;
	/** The low 32 bits of that clock. */
	clock: number;
	/** What the page said of its age at that moment; null when it says none. */
	saidMs: number | null;
}

declare global {
	/** What the picture on a canvas says its clock is, or null when it shows none. */
	var canvasClock: (selector: string) => number | null;
	/** The same of a camera's tile. */
	var pictureClock: (camera: string) => number | null;
	/** The next `count` different frames of a tile, each at its first animation frame. */
	var sightings: (camera: string, count: number) => Promise<Sighting[]>;
}

const sketch = document.createElement("canvas");

globalThis.pictureClock = (camera) => globalThis.canvasClock(`article[data-camera="${camera}"] canvas`);

globalThis.canvasClock = (selector) => {
	const canvas = document.querySelector<HTMLCanvasElement>(selector);
	if (!canvas || canvas.width === 0) return null;
	const height = Math.round((WIDTH * canvas.height) / canvas.width);
	sketch.width = WIDTH;
	sketch.height = height;
	const context = sketch.getContext("2d", { willReadFrequently: true });
	if (!context) return null;
	context.drawImage(canvas, 0, 0, WIDTH, height);
	return readPixelClock(context.getImageData(0, 0, WIDTH, height).data, {
		width: WIDTH,
		height,
		channels: 4,
	});
};

globalThis.sightings = (camera, count) =>
	new Promise((resolve) => {
		const seen: Sighting[] = [];
		let last: number | null = null;
		const look = () => {
			const now = performance.timeOrigin + performance.now();
			const clock = globalThis.pictureClock(camera);
			if (clock !== null && clock !== last) {
				const tile = document.querySelector<HTMLElement>(`article[data-camera="${camera}"]`);
				const said = tile?.dataset.ageMs;
				seen.push({ ageMs: pixelClockAge(clock, now), clock, saidMs: said ? Number(said) : null });
				last = clock;
			}
			if (seen.length < count) requestAnimationFrame(look);
			else resolve(seen);
		};
		requestAnimationFrame(look);
	});
