import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import type { FrameHeader } from "#shared/frame.ts";
import type { Frame } from "../../viewer/connection.ts";
import { Decoder } from "../../viewer/decoder.ts";
import { type Canvas, Painter } from "../../viewer/painter.ts";
import type { Picture } from "../../viewer/picture.ts";

/** A browser's decoder and screen, run by hand. */
let decoding: PromiseWithResolvers<ImageBitmap>[] = [];
let animationFrame: (() => void) | null = null;
let closedImages = 0;
const real = {
	createImageBitmap: globalThis.createImageBitmap,
	requestAnimationFrame: globalThis.requestAnimationFrame,
	cancelAnimationFrame: globalThis.cancelAnimationFrame,
};

beforeEach(() => {
	decoding = [];
	animationFrame = null;
	closedImages = 0;
	Object.assign(globalThis, {
		createImageBitmap: () => {
			const job = Promise.withResolvers<ImageBitmap>();
			decoding.push(job);
			return job.promise;
		},
		requestAnimationFrame: (callback: () => void) => {
			animationFrame = callback;
			return 1;
		},
		cancelAnimationFrame: () => {
			animationFrame = null;
		},
	});
});
afterEach(() => void Object.assign(globalThis, real));

function image(width = 64): ImageBitmap {
	return { width, height: 36, close: () => void closedImages++ };
}

function frame(captureTime: number, epoch = 1): Frame {
	const header = { codec: "jpeg", epoch, captureTime, rendition: 0 } as FrameHeader;
	return { header, body: new ArrayBuffer(1), receiveTime: captureTime };
}

/** Lets the decoder's promise reactions run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

describe("the decoder", () => {
	let pictures: Picture[];
	let decoder: Decoder;
	beforeEach(() => {
		pictures = [];
		decoder = new Decoder({
			picture: (picture) => pictures.push(picture),
			keyNeeded: () => {},
			behind: () => {},
			gaveUp: () => {},
		});
	});
	const shown = () => pictures.map(({ header }) => header.captureTime);

	test("decodes one at a time and then the freshest, counting what that replaced", async () => {
		for (const time of [1, 2, 3, 4]) decoder.offer(frame(time));
		expect(decoding).toHaveLength(1);
		decoding[0]!.resolve(image());
		await settled();
		expect(decoding).toHaveLength(2);
		decoding[1]!.resolve(image());
		await settled();
		expect(shown()).toEqual([1, 4]);
		expect(decoder.replaced).toBe(2);
	});

	test("never shows an older picture after a newer one, nor an older epoch", async () => {
		for (const late of [frame(10), frame(9), frame(5, 2), frame(11, 1), frame(4, 2)]) {
			decoder.offer(late);
			decoding.at(-1)?.resolve(image());
			await settled();
		}
		expect(shown()).toEqual([10, 5]);
		expect(decoder.late).toBe(3);
	});

	test("takes any frame once the camera starts anew", async () => {
		decoder.offer(frame(10, 7));
		decoding[0]!.resolve(image());
		await settled();
		decoder.restart();
		decoder.offer(frame(3, 2));
		decoding[1]!.resolve(image());
		await settled();
		expect(shown()).toEqual([10, 3]);
	});

	test("over another connection only the capture's time decides, until a frame has set the epoch", async () => {
		const show = async (one: Frame) => {
			decoder.offer(one);
			decoding.at(-1)?.resolve(image());
			await settled();
		};
		await show(frame(10_000, 7));
		decoder.reconnected();
		await show(frame(9_500, 7)); // from the relay's cache
		await show(frame(10_001, 2)); // that relay counts anew
		await show(frame(10_002, 1));
		expect(shown()).toEqual([10_000, 10_001]);
		decoder.reconnected();
		await show(frame(1_000, 1)); // no frame is nine seconds late: another clock
		expect(shown()).toEqual([10_000, 10_001, 1_000]);
	});

	test("counts bytes that are no picture and goes on", async () => {
		decoder.offer(frame(1));
		decoder.offer(frame(2));
		decoding[0]!.reject(new Error("not a picture"));
		await settled();
		decoding[1]!.resolve(image());
		await settled();
		expect(shown()).toEqual([2]);
		expect(decoder.undecodable).toBe(1);
	});

	test("knows how many pictures are open, however often one is closed", async () => {
		decoder.offer(frame(1));
		decoding[0]!.resolve(image());
		await settled();
		expect(decoder.picturesOpen).toBe(1);
		pictures[0]!.close();
		pictures[0]!.close();
		expect(decoder.picturesOpen).toBe(0);
		expect(closedImages).toBe(1);
	});
});

describe("the painter", () => {
	let drawn: ImageBitmap[];
	let canvas: Canvas;
	beforeEach(() => {
		drawn = [];
		const context = { drawImage: (one: ImageBitmap) => drawn.push(one) };
		canvas = { width: 0, height: 0, getContext: () => context } as unknown as Canvas;
	});
	function picture(captureTime: number, width = 64): Picture {
		const { header } = frame(captureTime);
		const one = image(width);
		const times = { receiveTime: 0, processingDuration: 0, busyMs: 0, place: 0 };
		return { image: one, width, height: 36, header, ...times, close: () => one.close() };
	}

	test("paints the newest on the next animation frame and closes all it was given", () => {
		const painted: number[] = [];
		const painter = new Painter(canvas, ({ header }) => painted.push(header.captureTime));
		for (const time of [1, 2, 3]) painter.offer(picture(time));
		expect(drawn).toHaveLength(0);
		animationFrame?.();
		expect(painted).toEqual([3]);
		expect(closedImages).toBe(3);
		expect(painter.replaced).toBe(2);
	});

	test("follows the picture's size", () => {
		const painter = new Painter(canvas, () => {});
		painter.offer(picture(1, 320));
		animationFrame?.();
		expect([canvas.width, canvas.height]).toEqual([320, 36]);
		painter.offer(picture(2, 1280));
		animationFrame?.();
		expect(canvas.width).toBe(1280);
	});

	test("closes what waited when it is closed itself", () => {
		const painter = new Painter(canvas, () => {});
		painter.offer(picture(1));
		painter.close();
		expect(closedImages).toBe(1);
		expect(animationFrame).toBeNull();
	});
});
