import { describe, expect, test } from "bun:test";
import { encodeHeader, type FrameHeader, viewOf } from "#shared/frame.ts";
import { renditionsFor } from "#shared/ladder.ts";
import { Camera, type RelayedFrame } from "../../relay/camera.ts";
import { Downlink, type FrameWriter } from "../../relay/delivery/downlink.ts";
import { Subscriber } from "../../relay/delivery/subscriber.ts";
import { startTogether } from "../../relay/delivery/together.ts";
import type { Settings } from "../../relay/delivery/wish.ts";

const SIZE = { width: 1280, height: 720 };
const SETTINGS: Settings = {
	rendition: 0,
	maxLines: null,
	maxFramesPerSecond: null,
	isFocused: false,
	codec: "jpeg",
};

/** A socket that remembers what it was given and can be made to refuse. */
class Recorder implements FrameWriter {
	bufferedBytes = 0;
	refuses = false;
	readonly written: { channel: number; delivery: number; isCached: boolean }[] = [];

	write({ header }: RelayedFrame, delivery: number, isCached: boolean): boolean {
		if (this.refuses) return false;
		this.written.push({ channel: header.channel, delivery, isCached });
		return true;
	}
}

function liveCamera(channel: number): Camera {
	const camera = new Camera(`camera-${channel}`, "x", { channel, now: 0 });
	camera.update(
		{
			id: camera.id,
			state: "live",
			reason: null,
			detail: null,
			source: { ...SIZE, framesPerSecond: 30 },
			renditions: renditionsFor(SIZE),
		},
		0,
	);
	return camera;
}

let seq = 0;
function frame(camera: Camera, captureTime: number, rendition = 0): RelayedFrame {
	const header: FrameHeader = {
		channel: camera.channel,
		rendition,
		codec: "jpeg",
		isKey: true,
		isCached: false,
		epoch: 1,
		seq: seq++,
		delivery: 0,
		bodyBytes: 5_000,
		...SIZE,
		captureTime,
		encodeMs: 5,
		relayTime: captureTime,
		sendTime: captureTime,
		config: null,
	};
	const headerBytes = encodeHeader(header);
	return { header, headerBytes, headerView: viewOf(headerBytes), body: new Uint8Array(5_000) };
}

function watching(writer: Recorder, cameras: [Camera, Partial<Settings>][]): Downlink {
	const downlink = new Downlink(writer);
	for (const [camera, change] of cameras) {
		const subscriber = new Subscriber(camera, { rememberedRate: null, wake: (now) => downlink.flush(now) });
		downlink.add(subscriber, 0);
		subscriber.ask({ ...SETTINGS, ...change }, 0);
		startTogether([subscriber], 0);
	}
	return downlink;
}

describe("several cameras on one connection", () => {
	/** Every camera always has a frame waiting; one frame is in flight at a time. */
	function shares(focused: boolean): number[] {
		const cameras = [liveCamera(1), liveCamera(2), liveCamera(3)];
		const writer = new Recorder();
		const downlink = watching(
			writer,
			cameras.map((camera, i) => [camera, { isFocused: focused && i === 0 }]),
		);
		for (let now = 0; now < 3_000; now += 10) {
			for (const camera of cameras) camera.publish(frame(camera, now), now);
			const last = writer.written.at(-1);
			if (last)
				downlink.acked(now, {
					delivery: last.delivery,
					headerTime: now,
					bodyTime: now + 200 * writer.written.length,
				});
		}
		return cameras.map(({ channel }) => writer.written.filter((one) => one.channel === channel).length);
	}

	test("share it evenly", () => {
		const counts = shares(false);
		expect(Math.max(...counts) - Math.min(...counts)).toBeLessThanOrEqual(1);
	});

	test("the one looked at gets four times as much, and the others their part", () => {
		const [looked = 0, ...others] = shares(true);
		for (const other of others) {
			expect(other).toBeGreaterThan(0);
			expect(looked / other).toBeGreaterThan(3);
			expect(looked / other).toBeLessThan(5);
		}
	});
});

describe("every frame offered is counted once", () => {
	test("sent, replaced, dropped or waiting, also when the socket refuses", () => {
		const camera = liveCamera(1);
		const writer = new Recorder();
		const downlink = watching(writer, [[camera, {}]]);
		const [subscriber] = downlink.subscribers;
		for (let now = 0; now < 1_000; now += 33) {
			writer.refuses = now % 5 === 0;
			camera.publish(frame(camera, now), now);
			const last = writer.written.at(-1);
			if (last && now % 2 === 0)
				downlink.acked(now, { delivery: last.delivery, headerTime: now, bodyTime: now });
		}
		const { offered, sent, dropped } = subscriber!.counters;
		expect(offered).toBe(sent + dropped + subscriber!.replaced + subscriber!.waitingCount);
		expect(dropped).toBeGreaterThan(0);
		expect(downlink.counters).toMatchObject({ sent, dropped });
	});

	test("nothing is handed to a socket that still holds more than a frame", () => {
		const camera = liveCamera(1);
		const writer = new Recorder();
		watching(writer, [[camera, {}]]);
		writer.bufferedBytes = 1_000_000;
		camera.publish(frame(camera, 1), 1);
		expect(writer.written).toEqual([]);
	});
});

test.each([10, 16, 20, 25, 60])(
	"a browser that takes %d frames a second of 30 gets that many, whatever their clocks say",
	(most) => {
		const camera = liveCamera(1);
		const writer = new Recorder();
		const downlink = watching(writer, [[camera, { maxFramesPerSecond: most }]]);
		for (let i = 0; i < 300; i++) {
			const now = (i * 1000) / 30;
			camera.publish(frame(camera, i === 5 ? now + 3_600_000 : now), now);
			const last = writer.written.at(-1);
			if (last) downlink.acked(now, { delivery: last.delivery, headerTime: now, bodyTime: now });
		}
		expect(writer.written.length / 10).toBeCloseTo(Math.min(30, most), 0);
		const { offered, notDue } = downlink.subscribers[0]!.counters;
		expect(offered + notDue).toBe(300);
	},
);

test("a viewer that acknowledges nothing for ten seconds, and the time its frame may take, is stalled", () => {
	const camera = liveCamera(1);
	const downlink = watching(new Recorder(), [[camera, {}]]);
	camera.publish(frame(camera, 0), 0);
	// 5 060 bytes may take the slowest link we wait for another 0.84 s.
	expect(downlink.isStalled(10_800)).toBe(false);
	expect(downlink.isStalled(10_900)).toBe(true);
});

test("whoever comes back from a pause gets the newest frame at once, marked as cached", () => {
	const camera = liveCamera(1);
	const writer = new Recorder();
	const downlink = watching(writer, [[camera, {}]]);
	camera.publish(frame(camera, 0), 0);
	downlink.acked(5, { delivery: 0, headerTime: 5, bodyTime: 6 });
	const [first] = downlink.subscribers;
	first!.end(10);
	downlink.remove(first!);
	camera.publish(frame(camera, 33), 33);
	const second = new Subscriber(camera, { rememberedRate: null, wake: (now) => downlink.flush(now) });
	downlink.add(second, 5_000);
	startTogether([second], 5_000);
	expect(writer.written).toEqual([
		{ channel: 1, delivery: 0, isCached: false },
		{ channel: 1, delivery: 1, isCached: true },
	]);
});
