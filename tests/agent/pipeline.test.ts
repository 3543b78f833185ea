import { describe, expect, test } from "bun:test";
import { AV_PIX_FMT_RGB24, Frame } from "node-av";
import sharp from "sharp";
import { localNow } from "#shared/clock.ts";
import { ladderWithOwn } from "#shared/ladder.ts";
import { EncodeSlots } from "../../agent/encode-slots.ts";
import { H264_CODECS } from "../../agent/h264-codec.ts";
import { type EncodedFrame, type FrameSink, Pipeline } from "../../agent/pipeline.ts";
import { RawFrame } from "../../agent/raw-frame.ts";
import { Scaler } from "../../agent/scaler.ts";

const SIZE = { width: 640, height: 360 };

/** An uplink that has room for so many bytes a raw frame, and remembers what came. */
class Sink implements FrameSink {
	readonly sent: EncodedFrame[] = [];
	room = Number.POSITIVE_INFINITY;

	admits(): boolean {
		return this.room > 0;
	}

	admitsBehind(_: number, { bytes, aheadBytes }: { bytes: number; aheadBytes: number }): boolean {
		return aheadBytes + bytes <= this.room;
	}

	send(frame: EncodedFrame): boolean {
		this.sent.push(frame);
		return true;
	}
}

const scaler = new Scaler();
const grey = new Uint8Array(SIZE.width * SIZE.height * 3).fill(128);
const raw = () => RawFrame.fromPixels(grey, { ...SIZE, format: "rgb24" }, localNow(), scaler);

function pipelineTo(sink: Sink): Pipeline {
	const pipeline = new Pipeline(sink, { slots: new EncodeSlots(2), h264: H264_CODECS.software });
	pipeline.reset(SIZE, 30);
	return pipeline;
}

test("makes exactly what is demanded, counts it, and numbers each rendition's frames without a gap", async () => {
	const sink = new Sink();
	const pipeline = pipelineTo(sink);
	pipeline.demand([0, 2]);
	for (let i = 0; i < 3; i++) await pipeline.process(raw());
	pipeline.demand([]);
	await pipeline.process(raw());
	for (const id of [0, 2])
		expect(sink.sent.filter(({ rendition }) => rendition.id === id).map(({ seq }) => seq)).toEqual([0, 1, 2]);
	expect(sink.sent).toHaveLength(6);
	expect(pipeline.captured).toBe(4);
	expect(pipeline.counters).toEqual([0, 2].map((id) => ({ id, encoded: 3, notEncoded: 0, refused: 0 })));
});

test("what the uplink has no room for is not encoded, the largest first, and counted", async () => {
	const sink = new Sink();
	const pipeline = pipelineTo(sink);
	pipeline.demand([0, 2]);
	await pipeline.process(raw());
	sink.room = 1;
	await pipeline.process(raw());
	expect(sink.sent.map(({ rendition }) => rendition.id).sort()).toEqual([0, 0, 2]);
	sink.room = 0;
	await pipeline.process(raw());
	expect(pipeline.counters).toMatchObject([
		{ id: 0, encoded: 2, notEncoded: 1 },
		{ id: 2, encoded: 1, notEncoded: 2 },
	]);
});

test("a rendition that never fits behind the others gets its frame all the same, every half second", async () => {
	const sink = new Sink();
	const pipeline = pipelineTo(sink);
	sink.room = 1; // whatever is second never fits
	pipeline.demand([0, 5]);
	const startTime = localNow();
	while (localNow() - startTime < 1_700) await pipeline.process(raw());
	const count = (id: number) => sink.sent.filter(({ rendition }) => rendition.id === id).length;
	expect(count(5)).toBeGreaterThanOrEqual(2);
	expect(count(5)).toBeLessThan(count(0));
});

describe("a camera's own JPEGs", () => {
	const own = { ...SIZE, body: new Uint8Array(40_000).fill(7), quality: 85 };
	const ownId = ladderWithOwn(SIZE, 85).length - 1;
	const undecoded = () => new RawFrame(own, localNow(), scaler);

	function owning(sink: Sink): Pipeline {
		const pipeline = pipelineTo(sink);
		pipeline.reset(SIZE, 30, 85);
		return pipeline;
	}

	test("are passed on as they came, without pixels, and counted like what is encoded", async () => {
		const sink = new Sink();
		const pipeline = owning(sink);
		expect(pipeline.wantsPixels).toBe(false);
		pipeline.demand([ownId]);
		expect(pipeline.wantsPixels).toBe(false);
		for (let i = 0; i < 3; i++) await pipeline.process(undecoded());
		sink.room = 0;
		await pipeline.process(undecoded());
		expect(sink.sent.map(({ body, seq }) => [body === own.body, seq])).toEqual(
			[0, 1, 2].map((seq) => [true, seq]),
		);
		expect(sink.sent[0]!.rendition).toMatchObject({ id: ownId, ...SIZE, quality: 85 });
		expect(pipeline.captured).toBe(4);
		expect(pipeline.counters).toEqual([{ id: ownId, encoded: 3, notEncoded: 1, refused: 0 }]);
	});

	test("go behind the smaller renditions of the same picture, and fall first when there is no room", async () => {
		const sink = new Sink();
		const pipeline = owning(sink);
		pipeline.demand([0, 2, ownId]);
		expect(pipeline.wantsPixels).toBe(true);
		await pipeline.process(decoded());
		expect(sink.sent).toHaveLength(3);
		expect(sink.sent[2]!.body).toBe(own.body);
		sink.room = own.body.length; // too little for it and anything else
		await pipeline.process(decoded());
		expect(pipeline.counters.map(({ id, encoded, notEncoded }) => [id, encoded, notEncoded])).toEqual([
			[0, 2, 0],
			[2, 2, 0],
			[ownId, 1, 1],
		]);
	});

	test("a picture left undecoded is no frame of a rendition that came into demand after it", async () => {
		const sink = new Sink();
		const pipeline = owning(sink);
		pipeline.demand([0, ownId]);
		await pipeline.process(undecoded());
		expect(sink.sent.map(({ rendition }) => rendition.id)).toEqual([ownId]);
		expect(pipeline.counters).toEqual([{ id: ownId, encoded: 1, notEncoded: 0, refused: 0 }]);
	});

	test("one that cannot be passed on is encoded in their stead", async () => {
		const sink = new Sink();
		const pipeline = owning(sink);
		pipeline.demand([ownId]);
		await pipeline.process(raw());
		expect(await sharp(sink.sent[0]!.body).metadata()).toMatchObject({ format: "jpeg", ...SIZE });
	});

	function decoded(): RawFrame {
		const frame = new Frame();
		frame.alloc();
		frame.width = SIZE.width;
		frame.height = SIZE.height;
		frame.format = AV_PIX_FMT_RGB24;
		frame.getBuffer(1);
		return new RawFrame(frame, localNow(), scaler, own);
	}
});

test("a new format starts a new epoch: its frames count from 0 and those of the old one are gone", async () => {
	const sink = new Sink();
	const pipeline = pipelineTo(sink);
	pipeline.demand([0]);
	await pipeline.process(raw());
	const first = sink.sent[0]!.epoch;
	const late = pipeline.process(raw());
	pipeline.reset({ width: 320, height: 240 }, 30);
	await late;
	await pipeline.process(raw());
	expect(sink.sent.at(-1)).toMatchObject({ seq: 0 });
	expect(sink.sent.at(-1)!.epoch).toBeGreaterThan(first);
});
