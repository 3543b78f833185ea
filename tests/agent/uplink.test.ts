import { expect, test } from "bun:test";
import { renditionsFor } from "#shared/ladder.ts";
import { Camera } from "../../agent/camera.ts";
import { EncodeSlots } from "../../agent/encode-slots.ts";
import { H264_CODECS } from "../../agent/h264-codec.ts";
import { Pipeline } from "../../agent/pipeline.ts";
import { Uplink } from "../../agent/uplink.ts";
import { AvcPlayer } from "../support/avc-player.ts";
import { DemandingRelay } from "../support/demanding-relay.ts";
import { until } from "../support/until.ts";

test("H.264 goes up in order, its keys with their description, and where the relay asks for one", async () => {
	const size = { width: 640, height: 360 };
	const rung = renditionsFor(size).findLast(({ codec }) => codec === "h264")!;
	await using relay = new DemandingRelay();
	relay.demand(rung.id);
	const pipeline: Pipeline = new Pipeline(
		{
			admits: (intervalMs) => uplink.admits(intervalMs),
			admitsBehind: (intervalMs, frame) => uplink.admitsBehind(intervalMs, frame),
			send: (frame) => uplink.send(camera, frame),
		},
		{ slots: new EncodeSlots(2), h264: H264_CODECS.software },
	);
	const camera = new Camera(
		{ id: "card", name: "Card", spec: { kind: "test", ...size, framesPerSecond: 30 } },
		{ pipeline, onChange: () => uplink.tellCamera(camera) },
	);
	const uplink = new Uplink({ url: `${relay.url}/publish`, keys: [] }, "test", () => [camera]);
	const stopping = new AbortController();
	const running = Promise.all([uplink.run(stopping.signal), camera.run(stopping.signal)]);
	await until(() => relay.frames.length >= 8, { what: "frames" });
	const asked = relay.frames.length;
	relay.say({ type: "key", camera: "card", rendition: rung.id });
	relay.say({ type: "key", camera: "nobody", rendition: rung.id });
	await until(() => relay.frames.length >= asked + 8, { what: "more frames" });
	stopping.abort();
	await running;

	const { frames } = relay;
	const [first] = frames;
	expect(first!.header).toMatchObject({ channel: 3, rendition: rung.id, codec: "h264", epoch: 41, ...size });
	expect(frames.map(({ header }) => header.seq)).toEqual(frames.map((_, seq) => seq));
	const keys = frames.flatMap(({ header }, index) => (header.isKey ? index : []));
	expect(keys).toHaveLength(2);
	expect(keys[0]).toBe(0);
	expect(keys[1]! - asked).toBeLessThanOrEqual(3);
	expect(frames.map(({ header }) => header.config !== null)).toEqual(
		frames.map(({ header }) => header.isKey),
	);
	using player = new AvcPlayer(first!.header.config!);
	for (const { header, body } of frames)
		expect(Math.abs(player.timeOf(body)! - (Math.floor(header.captureTime) % 2 ** 32))).toBeLessThan(100);
});
