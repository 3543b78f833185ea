import { expect, test } from "bun:test";
import { localNow } from "#shared/clock.ts";
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
