import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import type { FrameHeader } from "#shared/frame.ts";
import { H264Stream } from "../../viewer/h264-stream.ts";
import type { Obstacle } from "../../viewer/h264-support.ts";
import { type Picture, Pictures } from "../../viewer/picture.ts";

const CONFIG = Uint8Array.of(1, 0x64, 0, 0x1f, 0xff, 0xe1, 0, 0, 0);

/** A browser's decoder, run by hand: gives what it was told to give. */
class StandIn {
	static all: StandIn[] = [];
	static isSupported = true;
	state = "unconfigured";
	config: VideoDecoderConfig | null = null;
	fed: { timestamp: number; type: string }[] = [];
	readonly #init: VideoDecoderInit;

	constructor(init: VideoDecoderInit) {
		this.#init = init;
		StandIn.all.push(this);
	}

	static async isConfigSupported(config: VideoDecoderConfig): Promise<VideoDecoderSupport> {
		return { supported: StandIn.isSupported, config };
	}

	configure(config: VideoDecoderConfig): void {
		this.config = config;
		this.state = "configured";
	}

	decode(chunk: { timestamp: number; type: string }): void {
		this.fed.push(chunk);
	}

	close(): void {
		if (this.state === "closed") throw new Error("closed twice");
		this.state = "closed";
	}

	give(index: number): void {
		const { timestamp } = this.fed[index]!;
		const frame = { timestamp, displayWidth: 64, displayHeight: 36, close: () => closed.push(timestamp) };
		given++;
		this.#init.output(frame as unknown as VideoFrame);
	}

	fail(): void {
		this.state = "closed";
		this.#init.error(new DOMException("Decoding error.", "EncodingError"));
	}
}

let given = 0;
let closed: number[] = [];
let keys = 0;
let behind = 0;
let obstacles: Obstacle[] = [];
let shown: number[] = [];
let stream: H264Stream;
const pictures = new Pictures();

beforeEach(() => {
	jest.useFakeTimers();
	Object.assign(globalThis, {
		VideoDecoder: StandIn,
		EncodedVideoChunk: class {
			constructor(init: object) {
				Object.assign(this, init);
			}
		},
	});
	StandIn.all = [];
	StandIn.isSupported = true;
	given = keys = behind = 0;
	[closed, obstacles, shown] = [[], [], []];
	stream = new H264Stream(pictures, {
		picture: (picture: Picture) => {
			shown.push(picture.header.seq);
			picture.close();
		},
		keyNeeded: () => void keys++,
		behind: () => void behind++,
		gaveUp: (obstacle) => void obstacles.push(obstacle),
	});
});
afterEach(() => {
	for (const name of ["VideoDecoder", "EncodedVideoChunk"]) Reflect.deleteProperty(globalThis, name);
	jest.useRealTimers();
});

function offer(seq: number, more: Partial<FrameHeader> = {}): void {
	const header = { codec: "h264", epoch: 1, rendition: 204, seq, isKey: false, captureTime: seq, ...more };
	if (header.isKey) header.config = CONFIG;
	stream.offer({ header: header as FrameHeader, body: new ArrayBuffer(1), receiveTime: 0, place: seq });
}
const offerKey = (seq: number, more: Partial<FrameHeader> = {}) => offer(seq, { isKey: true, ...more });
const newest = () => StandIn.all.at(-1)!;
const pass = (ms: number) => jest.advanceTimersByTime(ms);

describe("a decoder", () => {
	test("is set up with the stream's own string and record, for the least delay", () => {
		offerKey(0);
		expect(newest().config).toEqual({ codec: "avc1.64001f", description: CONFIG, optimizeForLatency: true });
		offer(1);
		expect(newest().fed.map(({ type }) => type)).toEqual(["key", "delta"]);
	});

	test("serves the keys of its own stream, and no other", () => {
		for (const more of [{}, {}, { rendition: 202 }, { rendition: 202 }, { rendition: 202, epoch: 2 }])
			offerKey(0, more);
		expect(StandIn.all.map(({ fed }) => fed.length)).toEqual([2, 2, 1]);
	});

	test("shows what it still has while the next one starts, and is closed at that one's first picture", () => {
		offerKey(0);
		offer(1);
		offerKey(7, { rendition: 202 });
		const [old, young] = StandIn.all;
		old!.give(0);
		old!.give(1);
		expect(old!.state).toBe("configured");
		young!.give(0);
		expect([shown, old!.state, young!.state]).toEqual([[0, 1, 7], "closed", "configured"]);
	});

	test("never stands third in the row", () => {
		for (const rendition of [200, 201, 202, 203]) offerKey(0, { rendition });
		expect(StandIn.all.map(({ state }) => state)).toEqual(["closed", "closed", "configured", "configured"]);
		stream.stop();
		expect(StandIn.all.every(({ state }) => state === "closed")).toBe(true);
		expect(stream.replaced).toBe(4);
	});

	test("whose pictures come after its end has them closed", () => {
		offerKey(0);
		stream.stop();
		newest().give(0);
		expect([given, closed.length, shown.length, pictures.open]).toEqual([1, 1, 0, 0]);
	});

	test("that does not keep up is ended, and the next key is asked for", () => {
		offerKey(0);
		newest().give(0);
		for (let seq = 1; seq <= 12; seq++) {
			offer(seq);
			pass(33);
		}
		expect([behind, keys, newest().state]).toEqual([1, 1, "closed"]);
		offerKey(13);
		newest().give(0);
		expect(shown).toEqual([0, 13]);
	});

	test("that gets a burst after a pause is not behind", () => {
		offerKey(0);
		newest().give(0);
		pass(5_000);
		for (let seq = 1; seq <= 60; seq++) offer(seq);
		expect(behind).toBe(0);
	});

	test("that keeps a few frames inside is not behind either", () => {
		offerKey(0);
		for (let seq = 1; seq <= 100; seq++) {
			offer(seq);
			pass(1_000);
			if (seq >= 3) newest().give(seq - 3);
		}
		expect(behind).toBe(0);
	});
});

describe("keys are asked for", () => {
	test("at once, then no oftener than every 2 s while frames come that cannot be decoded", () => {
		for (let seq = 5; seq < 100; seq++) {
			offer(seq);
			pass(50);
		}
		expect(keys).toBe(3); // in 4.75 s
		expect(stream.undecodable).toBe(95);
	});
});

describe("H.264 is given up", () => {
	test("when the decoder fails twice within a minute", () => {
		offerKey(0);
		newest().fail();
		expect([keys, obstacles]).toEqual([1, []]);
		offerKey(1);
		newest().give(0);
		pass(59_000);
		newest().fail();
		expect(obstacles).toEqual([{ is: "failing", words: "Decoding error." }]);
		offerKey(2);
		expect(StandIn.all).toHaveLength(2);
	});

	test("not when it fails once in a while", () => {
		for (let seq = 0; seq < 5; seq++) {
			offerKey(seq);
			newest().fail();
			pass(61_000);
		}
		expect(obstacles).toEqual([]);
	});

	test("not for the failure of one that was being replaced", () => {
		offerKey(0);
		offerKey(1, { rendition: 202 });
		StandIn.all[0]!.fail();
		expect([obstacles, keys, newest().state]).toEqual([[], 0, "configured"]);
	});

	test("when the browser says that it does not decode this stream", async () => {
		StandIn.isSupported = false;
		offerKey(0);
		await Promise.resolve();
		await Promise.resolve();
		await Promise.resolve();
		expect(obstacles).toEqual([{ is: "unsupported", codec: "avc1.64001f" }]);
		expect(newest().state).toBe("closed");
	});

	test("when it was looked at for 2 s without a picture, but not because the machine slept", () => {
		offerKey(0);
		pass(3_600_000);
		stream.check();
		expect(obstacles).toEqual([]);
		for (let i = 0; i < 7; i++) stream.check();
		expect(obstacles).toEqual([{ is: "silent" }]);
	});

	test("not while it shows pictures", () => {
		offerKey(0);
		newest().give(0);
		for (let i = 0; i < 40; i++) stream.check();
		expect(obstacles).toEqual([]);
	});
});
