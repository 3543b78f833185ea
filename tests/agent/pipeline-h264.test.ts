import { describe, expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { type Rendition, renditionsFor, type Size } from "#shared/ladder.ts";
import { EncodeSlots } from "../../agent/encode-slots.ts";
import { H264_CODECS, type H264Codec } from "../../agent/h264-codec.ts";
import { jpegSize } from "../../agent/jpeg-header.ts";
import { type EncodedFrame, type FrameSink, Pipeline } from "../../agent/pipeline.ts";
import { AvcPlayer } from "../support/avc-player.ts";
import { TestFrames } from "../support/test-frames.ts";

const HD = { width: 1280, height: 720 };
const SMALL = { width: 640, height: 360 };
const JPEG_ID = 0;

/** The dearest H.264 rendition of a source. */
function h264Of(size: Size): Rendition {
	return renditionsFor(size).findLast(({ codec }) => codec === "h264")!;
}

/** An uplink under test: has room or not, keeps what was sent. */
class Uplink implements FrameSink {
	readonly sent: EncodedFrame[] = [];
	isConnected = true;
	hasRoom = true;
	hasRoomBehind = true;

	admits(): boolean {
		return this.hasRoom;
	}

	admitsBehind(): boolean {
		return this.hasRoom && this.hasRoomBehind;
	}

	send(frame: EncodedFrame): boolean {
		if (this.isConnected) this.sent.push(frame);
		return this.isConnected;
	}

	of(id: number): EncodedFrame[] {
		return this.sent.filter(({ rendition }) => rendition.id === id);
	}
}

function piped(
	size: Size,
	h264: H264Codec = H264_CODECS.software,
): { uplink: Uplink; pipeline: Pipeline; frames: TestFrames } {
	const uplink = new Uplink();
	const pipeline = new Pipeline(uplink, { slots: new EncodeSlots(2), h264 });
	pipeline.reset(size, 25);
	return { uplink, pipeline, frames: new TestFrames(size) };
}

describe("pipeline of H.264", () => {
	test("makes H.264 only while it is demanded, beside JPEG of the same frame", async () => {
		const { uplink, pipeline, frames } = piped(SMALL);
		const { id } = h264Of(SMALL);
		await pipeline.process(frames.frame(0));
		expect(uplink.sent).toEqual([]);
		pipeline.demand([JPEG_ID, id]);
		for (let number = 1; number <= 3; number++) await pipeline.process(frames.frame(number));
		pipeline.demand([JPEG_ID]);
		await pipeline.process(frames.frame(4));
		frames[Symbol.dispose]();
		expect(uplink.of(JPEG_ID).map(({ isKey, config, seq }) => ({ isKey, config, seq }))).toEqual(
			[0, 1, 2, 3].map((seq) => ({ isKey: true, config: null, seq })),
		);
		expect(jpegSize(uplink.of(JPEG_ID)[0]!.body)).not.toBeNull();
		expect(uplink.of(id).map(({ isKey, seq }) => ({ isKey, seq }))).toEqual([
			{ isKey: true, seq: 0 },
			{ isKey: false, seq: 1 },
			{ isKey: false, seq: 2 },
		]);
		const { rendition } = uplink.of(id)[0]!;
		expect(rendition).toMatchObject({ codec: "h264", width: 640, height: 360 });
	});

	test("frames the uplink has no room for are never encoded: what was sent has no gap and decodes", async () => {
		const { uplink, pipeline, frames } = piped(HD);
		const { id } = h264Of(HD);
		pipeline.demand([id]);
		const numbers = Array.from({ length: 40 }, (_, number) => number);
		const sent = numbers.filter((number) => number % 7 < 4 && !(number > 20 && number < 30));
		for (const number of numbers) {
			uplink.hasRoom = sent.includes(number);
			await pipeline.process(frames.frame(number));
		}
		frames[Symbol.dispose]();
		const made = uplink.of(id);
		expect(made.map(({ seq }) => seq)).toEqual(sent.map((_, seq) => seq));
		expect(made.filter(({ isKey }) => isKey)).toHaveLength(1);
		using player = new AvcPlayer(made[0]!.config!);
		expect(made.map(({ body }) => player.timeOf(body))).toEqual(sent.map(TestFrames.time));
		expect(pipeline.counters).toEqual([
			{ id, encoded: sent.length, notEncoded: 40 - sent.length, refused: 0 },
		]);
	});

	test("a key comes with the next frame sent after it was asked for, once, and only of that rendition", async () => {
		const { uplink, pipeline, frames } = piped(HD);
		const ids = pipeline.renditions.filter(({ codec }) => codec === "h264").map(({ id }) => id);
		const [small, large] = [ids[0]!, ids.at(-1)!];
		pipeline.demand([small, large]);
		for (let number = 0; number < 12; number++) {
			if (number === 4 || number === 6) pipeline.askKey(large);
			uplink.hasRoomBehind = number !== 6; // the larger one goes last
			if (number === 9) pipeline.askKey(JPEG_ID);
			await pipeline.process(frames.frame(number));
		}
		frames[Symbol.dispose]();
		const keyTimes = (id: number) =>
			uplink.of(id).flatMap(({ isKey, captureTime }) => (isKey ? captureTime : []));
		expect(keyTimes(small)).toEqual([0].map(TestFrames.time));
		expect(keyTimes(large)).toEqual([0, 4, 7].map(TestFrames.time));
		expect(uplink.of(large).map(({ config }) => config !== null)).toEqual(
			uplink.of(large).map(({ isKey }) => isKey),
		);
	});

	test("hardware that does not open costs nothing: the rendition is made in software", async () => {
		const missing = { ...H264_CODECS.nvenc, name: "no_such_encoder" as H264Codec["name"] };
		const { uplink, pipeline, frames } = piped(SMALL, missing);
		const { id } = h264Of(SMALL);
		pipeline.demand([JPEG_ID, id]);
		for (let number = 0; number < 3; number++) await pipeline.process(frames.frame(number));
		frames[Symbol.dispose]();
		expect(uplink.of(JPEG_ID)).toHaveLength(3);
		expect(uplink.of(id).map(({ isKey, seq }) => [isKey, seq])).toEqual([
			[true, 0],
			[false, 1],
			[false, 2],
		]);
		using player = new AvcPlayer(uplink.of(id)[0]!.config!);
		expect(uplink.of(id).map(({ body }) => player.timeOf(body))).toEqual([0, 1, 2].map(TestFrames.time));
	});

	test("software that does not open costs its rendition alone, which is tried again with the next demand", async () => {
		let isBroken = true;
		const { software } = H264_CODECS;
		const options: H264Codec["options"] = (rendition) =>
			isBroken ? { preset: "no such preset" } : software.options(rendition);
		const { uplink, pipeline, frames } = piped(SMALL, { ...software, options });
		const { id } = h264Of(SMALL);
		pipeline.demand([JPEG_ID, id]);
		for (let number = 0; number < 3; number++) await pipeline.process(frames.frame(number));
		expect(uplink.of(JPEG_ID)).toHaveLength(3);
		expect(uplink.of(id)).toEqual([]);
		const counter = () => pipeline.counters.find((one) => one.id === id);
		expect(counter()).toEqual({ id, encoded: 0, notEncoded: 3, refused: 0 });
		isBroken = false;
		pipeline.demand([JPEG_ID]);
		pipeline.demand([JPEG_ID, id]);
		await pipeline.process(frames.frame(3));
		frames[Symbol.dispose]();
		expect(uplink.of(id).map(({ isKey, seq }) => [isKey, seq])).toEqual([[true, 0]]);
		expect(counter()).toEqual({ id, encoded: 1, notEncoded: 3, refused: 0 });
	});

	test("a frame that was encoded and could not go leaves no gap: the next one is a key", async () => {
		const { uplink, pipeline, frames } = piped(SMALL);
		const { id } = h264Of(SMALL);
		pipeline.demand([id]);
		for (let number = 0; number < 6; number++) {
			uplink.isConnected = number !== 3;
			await pipeline.process(frames.frame(number));
		}
		frames[Symbol.dispose]();
		expect(uplink.sent.map(({ seq, isKey }) => [seq, isKey])).toEqual([
			[0, true],
			[1, false],
			[2, false],
			[3, true],
			[4, false],
		]);
	});

	test("demand that comes back starts with a key, without a gap in seq", async () => {
		const { uplink, pipeline, frames } = piped(SMALL);
		const { id } = h264Of(SMALL);
		for (let number = 0; number < 6; number++) {
			pipeline.demand(number === 3 ? [] : [id]);
			await pipeline.process(frames.frame(number));
		}
		frames[Symbol.dispose]();
		expect(uplink.sent.map(({ seq, isKey }) => [seq, isKey])).toEqual([
			[0, true],
			[1, false],
			[2, false],
			[3, true],
			[4, false],
		]);
	});

	test("a new epoch and a new size start with a key of their own description", async () => {
		const { uplink, pipeline, frames } = piped(HD);
		const hd = h264Of(HD).id;
		pipeline.demand([hd]);
		await pipeline.process(frames.frame(0));
		await pipeline.process(frames.frame(1));
		pipeline.startEpoch(7);
		await pipeline.process(frames.frame(2));
		frames[Symbol.dispose]();
		pipeline.reset(SMALL, null);
		const others = new TestFrames(SMALL);
		const small = h264Of(SMALL).id;
		pipeline.demand([small]);
		await pipeline.process(others.frame(3));
		others[Symbol.dispose]();
		expect(uplink.sent.map(({ epoch, seq, isKey }) => [epoch, seq, isKey])).toEqual([
			[1, 0, true],
			[1, 1, false],
			[8, 0, true],
			[9, 0, true],
		]);
		const last = uplink.sent[3]!;
		expect(last.config).not.toEqual(uplink.sent[0]!.config);
		using player = new AvcPlayer(last.config!);
		const { frame, time } = player.show(last.body);
		expect(frame).toMatchObject(SMALL);
		expect(time).toBe(TestFrames.time(3));
		frame.free();
	});

	test("demand that ends while frames wait for a slot ends them; the next one is safe", async () => {
		const { uplink, pipeline, frames } = piped(HD);
		const ids = pipeline.renditions.filter(({ codec }) => codec === "h264").map(({ id }) => id);
		pipeline.demand(ids);
		await pipeline.process(frames.frame(0));
		const processing = pipeline.process(frames.frame(1));
		pipeline.demand([]);
		pipeline.askKey(ids[0]!);
		await processing;
		expect(uplink.sent.length).toBeLessThanOrEqual(ids.length + 2);
		const before = uplink.sent.length;
		pipeline.demand(ids);
		await pipeline.process(frames.frame(2));
		frames[Symbol.dispose]();
		expect(uplink.sent.slice(before).every(({ isKey }) => isKey)).toBe(true);
		expect(uplink.sent.length - before).toBe(ids.length);
	});

	test("an epoch that starts while frames wait for a slot starts with keys all the same", async () => {
		const { uplink, pipeline, frames } = piped(HD);
		const ids = pipeline.renditions.filter(({ codec }) => codec === "h264").map(({ id }) => id);
		pipeline.demand(ids);
		await pipeline.process(frames.frame(0));
		const processing = pipeline.process(frames.frame(1));
		pipeline.startEpoch(20);
		await processing;
		expect(uplink.sent).toHaveLength(ids.length);
		await pipeline.process(frames.frame(2));
		frames[Symbol.dispose]();
		const made = uplink.sent.slice(ids.length);
		expect(made.map(({ epoch, isKey, seq }) => ({ epoch, isKey, seq }))).toEqual(
			ids.map(() => ({ epoch: 21, isKey: true, seq: 0 })),
		);
	});

	test("fifty rounds of demand leave no encoder open", async () => {
		const { uplink, pipeline, frames } = piped(HD);
		const { id } = h264Of(HD);
		const round = async (number: number) => {
			pipeline.demand([id]);
			await pipeline.process(frames.frame(number));
			pipeline.demand([]);
		};
		const open = () => readdirSync("/proc/self/fd").length + readdirSync("/proc/self/task").length;
		for (let number = 0; number < 10; number++) await round(number);
		Bun.gc(true);
		const before = { open: open(), rss: process.memoryUsage.rss() };
		for (let number = 0; number < 50; number++) await round(number);
		frames[Symbol.dispose]();
		Bun.gc(true);
		expect(uplink.sent.every(({ isKey }) => isKey)).toBe(true);
		expect(open()).toBeLessThanOrEqual(before.open);
		expect((process.memoryUsage.rss() - before.rss) / 2 ** 20).toBeLessThan(50);
	});
});
