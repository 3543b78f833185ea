// Runs inside the page's Worker: notes each picture when it is drawn and each list of cameras when it is said.
import { pixelClockAge, readPixelClock } from "#shared/pixel-clock.ts";

const SKETCH = { width: 320, height: 180 };

/** A picture at the moment it was drawn. */
export interface Drawn {
	/** This machine's clock, ms. */
	time: number;
	/** Its age then by the clock in the picture, ms; null when that cannot be read. */
	ageMs: number | null;
	codec: "jpeg" | "h264";
	/** Lines of it. */
	lines: number;
}

declare global {
	/** Every picture drawn so far. */
	var draws: Drawn[];
	/** When the page last asked for anything; this machine's clock, ms. */
	var askTime: number;
}

const now = () => performance.timeOrigin + performance.now();
const sketch = new OffscreenCanvas(SKETCH.width, SKETCH.height).getContext("2d", {
	willReadFrequently: true,
})!;
const drawImage = OffscreenCanvasRenderingContext2D.prototype.drawImage as (
	this: OffscreenCanvasRenderingContext2D,
	image: CanvasImageSource,
	...box: number[]
) => void;
const { send } = WebSocket.prototype;
globalThis.draws = [];

OffscreenCanvasRenderingContext2D.prototype.drawImage = function (
	this: OffscreenCanvasRenderingContext2D,
	image: ImageBitmap | VideoFrame,
) {
	drawImage.call(this, image, 0, 0);
	const time = now();
	const { width, height } = SKETCH;
	drawImage.call(sketch, this.canvas, 0, 0, width, height); // cheaper than the picture again
	const clock = readPixelClock(sketch.getImageData(0, 0, width, height).data, { ...SKETCH, channels: 4 });
	const isFrame = image instanceof VideoFrame;
	globalThis.draws.push({
		time,
		ageMs: clock === null ? null : pixelClockAge(clock, time),
		codec: isFrame ? "h264" : "jpeg",
		lines: isFrame ? image.displayHeight : image.height,
	});
};

WebSocket.prototype.send = function (message) {
	if (typeof message === "string" && message.includes('"watch"') && !message.includes('"cameras":[]'))
		globalThis.askTime = now();
	send.call(this, message);
};
