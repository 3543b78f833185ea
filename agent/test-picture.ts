import type { Size } from "#shared/ladder.ts";
import { drawPixelClock, pixelClockHeight } from "#shared/pixel-clock.ts";
import { DotFont } from "./dot-font.ts";
import { type Point, toYuv, YuvCanvas } from "./yuv-canvas.ts";

const BARS = [
	toYuv([235, 235, 235]),
	toYuv([217, 200, 40]),
	toYuv([42, 190, 200]),
	toYuv([52, 180, 74]),
	toYuv([190, 64, 176]),
	toYuv([206, 58, 58]),
	toYuv([52, 82, 190]),
	toYuv([24, 26, 34]),
];
const PANEL = toYuv([18, 24, 38]);
const ACCENT = toYuv([255, 148, 36]);
const RING = toYuv([90, 90, 90]);
const TICK = toYuv([150, 150, 150]);
const CLOCK_LUMA = 238;
const LABEL_LUMA = 168;
const BARS_SHARE = 0.5; // of the height
const RAMP_SHARE = 0.05;
const RING_RADIUS = 0.19;
const DISC_RADIUS = 1.28; // of the ring's
const CLOCK_LENGTH = "00:00:00.000".length;
const FRAME_DIGITS = 7;

/**
 * The moving test card as full-range yuvj420p: colour bars, a ramp, a ring a dot runs round once a second, the time
 * of day, the frame number and the pixel clock.
 */
export class TestPicture {
	readonly #size: Size;
	readonly #canvas: YuvCanvas;
	readonly #background: Uint8Array;
	readonly #clockFont: DotFont;
	readonly #labelFont: DotFont;
	readonly #label: string;
	readonly #centre: Point;
	readonly #radius: number;
	readonly #dotRadius: number;
	#dotAt: Point | null = null;

	constructor(size: Size, framesPerSecond: number) {
		const { width, height } = size;
		this.#size = size;
		this.#canvas = new YuvCanvas(size);
		this.#centre = { x: width / 2, y: (height * BARS_SHARE) / 2 };
		this.#radius = height * RING_RADIUS;
		this.#dotRadius = Math.max(2, height * 0.024);
		const dot = Math.max(1, Math.floor(Math.min(height / 62, (width * 0.9) / (CLOCK_LENGTH * 6))));
		this.#clockFont = new DotFont(dot, CLOCK_LUMA, PANEL[0]);
		this.#labelFont = new DotFont(Math.max(1, Math.floor(dot / 3)), LABEL_LUMA, PANEL[0]);
		const long = `SIGHTLINE TEST CARD  ${width}X${height}  ${framesPerSecond} FPS  FRAME `;
		const longWidth = this.#labelFont.width(long + "0".repeat(FRAME_DIGITS));
		this.#label = longWidth <= width * 0.96 ? long : "FRAME ";
		this.#drawBackground();
		this.#background = this.#canvas.pixels.slice();
	}

	/** The picture as last drawn: planes Y, U, V, packed. Drawn over by the next `draw`. */
	get pixels(): Uint8Array {
		return this.#canvas.pixels;
	}

	/** Draws frame `number` as of `timeMs`, ms since the Unix epoch; only what moved is drawn again. */
	draw(number: number, timeMs: number): void {
		const { width, height } = this.#size;
		this.#drawDot(timeMs);
		const panelTop = height * (BARS_SHARE + RAMP_SHARE);
		const panelHeight = height - pixelClockHeight(height) - panelTop;
		const gap = this.#clockFont.height / 2;
		const top = panelTop + (panelHeight - this.#clockFont.height - gap - this.#labelFont.height) / 2;
		this.#write(this.#clockFont, top, timeOfDay(timeMs));
		const frame = String(number % 10 ** FRAME_DIGITS).padStart(FRAME_DIGITS, "0");
		this.#write(this.#labelFont, top + this.#clockFont.height + gap, this.#label + frame);
		drawPixelClock(this.#canvas.luma, { width, height, channels: 1 }, timeMs);
	}

	#write(font: DotFont, y: number, text: string): void {
		const { width } = this.#size;
		const x = Math.max(0, Math.round((width - font.width(text)) / 2));
		font.write(this.#canvas.luma, width, x, Math.round(y), text);
	}

	#drawDot(timeMs: number): void {
		if (this.#dotAt) this.#canvas.restore(this.#dotAt, this.#dotRadius, this.#background);
		this.#dotAt = this.#onDial((timeMs % 1000) / 1000, this.#radius);
		this.#canvas.dot(this.#dotAt, this.#dotRadius, ACCENT);
	}

	#drawBackground(): void {
		const { width, height } = this.#size;
		const barsBottom = Math.round(height * BARS_SHARE);
		const rampBottom = Math.round(height * (BARS_SHARE + RAMP_SHARE));
		const canvas = this.#canvas;
		canvas.fillRows(0, barsBottom, (x) => BARS[Math.floor((x / width) * BARS.length)] ?? PANEL);
		canvas.fillRows(barsBottom, rampBottom, (x) => [Math.round((x / width) * 255), 128, 128]);
		canvas.fillRows(rampBottom, height, () => PANEL);
		canvas.fillRows(height - pixelClockHeight(height), height, () => [0, 128, 128]);
		canvas.dot(this.#centre, this.#radius * DISC_RADIUS, PANEL);

		const thickness = Math.max(1, this.#radius * 0.02);
		for (let tick = 0; tick < 12; tick++) {
			const length = this.#radius * (tick % 3 === 0 ? 0.24 : 0.1);
			for (let along = 0; along < length; along += thickness / 2) {
				canvas.dot(this.#onDial(tick / 12, this.#radius * 0.86 - along), thickness, TICK);
			}
		}
		const turnStep = thickness / 2 / (2 * Math.PI * this.#radius);
		for (let turn = 0; turn < 1; turn += turnStep) {
			canvas.dot(this.#onDial(turn, this.#radius), thickness, RING);
		}
	}

	/** The point at `distance` from the dial's centre after `turn` turns clockwise from the top. */
	#onDial(turn: number, distance: number): Point {
		const angle = turn * 2 * Math.PI;
		return {
			x: this.#centre.x + distance * Math.sin(angle),
			y: this.#centre.y - distance * Math.cos(angle),
		};
	}
}

function timeOfDay(timeMs: number): string {
	const date = new Date(timeMs);
	const two = (value: number) => String(value).padStart(2, "0");
	const clock = `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}`;
	return `${clock}.${String(date.getMilliseconds()).padStart(3, "0")}`;
}
