import { expect, test } from "bun:test";
import { Subscriber } from "../../relay/delivery/subscriber.ts";
import { startTogether } from "../../relay/delivery/together.ts";
import { VirtualRelay, VirtualViewer } from "../support/virtual-relay.ts";

test.each([
	[500, 3, 200],
	[400, 3, 200],
	[1_000, 4, 202],
])(
	"at %d kbit/s a camera that waits for a key gets it beside one that always has a frame waiting",
	(kbps, jpeg, h264) => {
		const relay = new VirtualRelay();
		const viewer = new VirtualViewer(relay, {
			rate: () => kbps / 8,
			settings: { rendition: jpeg, codec: "jpeg" },
		});
		relay.time.runUntil(3_000);
		const { now } = relay.time;
		const wake = (at: number) => viewer.downlink.flush(at);
		const other = new Subscriber(relay.camera, { rememberedRate: null, wake });
		viewer.downlink.add(other, now);
		const settings = { rendition: h264, maxLines: null, maxFramesPerSecond: null, isFocused: false };
		other.ask({ ...settings, codec: "h264" }, now);
		startTogether([other], now);
		relay.time.runUntil(33_000);
		const times = viewer.received
			.filter(({ header, time }) => header.rendition === h264 && time > 3_000)
			.map(({ time }) => time);
		expect(times.length).toBeGreaterThan(20);
		const gaps = [...times, 33_000].map((time, i) => time - (times[i - 1] ?? 3_000));
		expect(Math.max(...gaps)).toBeLessThan(3_000);
	},
);
