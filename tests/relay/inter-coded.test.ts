import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { renditionsFor } from "#shared/ladder.ts";
import { VirtualRelay, VirtualViewer } from "../support/virtual-relay.ts";

const FAST = () => 5_000;
const TOP = 204;
const LOW = 200;
const MAX_WAIT_MS = 350; // 300, seen by a tick of 50
const MAX_FIRST_WAIT_MS = 650; // before the first ack

/** That everything sent could be decoded, in order; returns how many frames there were. */
function expectDecodable({ received }: VirtualViewer): number {
	let last: (typeof received)[number]["header"] | null = null;
	for (const { header } of received) {
		if (!header.isKey) {
			expect(last).not.toBeNull();
			expect({ rendition: last!.rendition, epoch: last!.epoch, seq: last!.seq + 1 }).toEqual({
				rendition: header.rendition,
				epoch: header.epoch,
				seq: header.seq,
			});
		}
		if (last) expect(header.epoch).toBeGreaterThanOrEqual(last.epoch);
		last = header;
	}
	return received.length;
}

function expectCounted({ subscriber, downlink }: VirtualViewer): void {
	const { offered, sent, dropped } = subscriber.counters;
	expect(offered).toBe(sent + dropped + subscriber.replaced + subscriber.waitingCount);
	expect(downlink.counters).toMatchObject({ sent, dropped });
}

/** The renditions of what was received, neighbours that are equal written once. */
function renditionsOf({ received }: VirtualViewer): number[] {
	const ids = received.map(({ header }) => header.rendition);
	return ids.filter((id, i) => id !== ids[i - 1]);
}

describe("joining", () => {
	test("a rendition nobody watched begins with a key, and nobody asks for it", () => {
		const relay = new VirtualRelay();
		const viewer = new VirtualViewer(relay, { rate: FAST, settings: { rendition: TOP } });
		relay.time.runUntil(1_000);
		expect(relay.asked).toEqual([]);
		expect(relay.keys).toHaveLength(1);
		expect(viewer.received[0]!.header).toMatchObject({ rendition: TOP, isKey: true });
		expect(expectDecodable(viewer)).toBeGreaterThan(25);
	});

	test("one that is watched: one key for all who join at once, and the first viewer misses nothing", () => {
		const relay = new VirtualRelay();
		const first = new VirtualViewer(relay, { rate: FAST, settings: { rendition: TOP } });
		relay.time.runUntil(1_000);
		const others = [0, 1, 2].map(
			() => new VirtualViewer(relay, { rate: FAST, settings: { rendition: TOP } }),
		);
		relay.time.runUntil(2_000);
		expect(relay.asked).toEqual([{ time: 1_000, rendition: TOP }]);
		for (const other of others) {
			expect(other.received[0]!.time).toBeLessThan(1_000 + 150);
			expectDecodable(other);
		}
		const seqs = first.received.map(({ header }) => header.seq);
		expect(seqs).toEqual(seqs.map((_, i) => i));
	});

	test("whoever joins within 500 ms of a key waits for the next", () => {
		const relay = new VirtualRelay();
		const pinned = { rate: FAST, settings: { rendition: TOP } };
		new VirtualViewer(relay, pinned);
		relay.time.runUntil(1_000);
		new VirtualViewer(relay, pinned);
		relay.time.runUntil(1_200);
		const late = new VirtualViewer(relay, pinned);
		relay.time.runUntil(3_000);
		expect(relay.asked.map(({ time }) => time)).toEqual([1_000, 1_500]);
		expect(late.received[0]!.header.isKey).toBe(true);
		expectDecodable(late);
	});

	test("the newest JPEG is there at once where there is one", () => {
		const relay = new VirtualRelay();
		new VirtualViewer(relay, { rate: FAST, settings: { rendition: 0, codec: "jpeg" } });
		relay.time.runUntil(1_000);
		const viewer = new VirtualViewer(relay, { rate: FAST, settings: { rendition: TOP } });
		relay.time.runUntil(2_000);
		expect(viewer.received[0]).toMatchObject({ isCached: true, header: { rendition: 0 } });
		expect(renditionsOf(viewer)).toEqual([0, TOP]);
		expectDecodable(viewer);
	});

	test("a far viewer gives up nothing while it waits for its first ack", () => {
		const relay = new VirtualRelay();
		const viewer = new VirtualViewer(relay, { rate: FAST, oneWayMs: 150, settings: { rendition: TOP } });
		relay.time.runUntil(1_500);
		expect(viewer.subscriber.replaced).toBe(0);
		expect(relay.keys).toHaveLength(1);
	});
});

describe("a change of rendition", () => {
	test("goes on with the old one up to the new one's key, without a gap", () => {
		const relay = new VirtualRelay();
		const viewer = new VirtualViewer(relay, { rate: FAST, settings: { rendition: LOW } });
		relay.time.runUntil(1_000);
		viewer.ask({ rendition: TOP });
		relay.time.runUntil(2_000);
		expect(renditionsOf(viewer)).toEqual([LOW, TOP]);
		expectDecodable(viewer);
		const captured = viewer.received.map(({ header }) => header.captureTime);
		for (const [i, time] of captured.slice(1).entries()) expect(time - captured[i]!).toBeLessThan(34);
		relay.time.runUntil(5_000);
		expect(relay.made).toEqual([TOP]);
	});

	test("between the ladders, both ways", () => {
		const relay = new VirtualRelay();
		const viewer = new VirtualViewer(relay, { rate: FAST, settings: { rendition: 3 } });
		for (const [i, rendition] of [TOP, 8, LOW].entries()) {
			relay.time.runUntil(1_000 * (i + 1));
			viewer.ask({ rendition });
		}
		relay.time.runUntil(4_000);
		expect(renditionsOf(viewer)).toEqual([3, TOP, 8, LOW]);
		expectDecodable(viewer);
	});

	test("a new epoch: its key is next, whatever of the old one is still about", () => {
		const relay = new VirtualRelay();
		const viewer = new VirtualViewer(relay, { rate: FAST, settings: { rendition: TOP } });
		relay.time.runUntil(1_000);
		relay.restart();
		relay.time.runUntil(2_000);
		expect(expectDecodable(viewer)).toBeGreaterThan(55);
		expect(viewer.received.at(-1)!.header.epoch).toBe(2);
		expect(relay.asked).toEqual([]);
	});
});

describe("a link that gets too slow", () => {
	const drop = (time: number) => (time < 5_000 || time > 12_000 ? 1_000 : 40);

	test("loses its place once, then goes on lower at a key; nothing of the old one is sent any more", () => {
		const relay = new VirtualRelay();
		const viewer = new VirtualViewer(relay, { rate: drop });
		relay.time.runUntil(5_000);
		expect(viewer.received.at(-1)!.header.rendition).toBeGreaterThanOrEqual(203);
		relay.time.runUntil(12_000);
		expectDecodable(viewer);
		expect(viewer.longestWaitMs).toBeLessThanOrEqual(MAX_WAIT_MS);
		const late = viewer.received.filter(({ time }) => time > 9_000);
		expect(late.length).toBeGreaterThan(80);
		expect(Math.max(...late.map(({ header }) => header.rendition))).toBe(LOW);
		for (const { time, header } of late) expect(time - header.captureTime).toBeLessThan(300);
		relay.time.runUntil(30_000);
		expect(viewer.received.at(-1)!.header.rendition).toBeGreaterThanOrEqual(203);
		expectCounted(viewer);
	});

	test("for the least H.264 gets a few small JPEGs a second instead", () => {
		const relay = new VirtualRelay();
		const viewer = new VirtualViewer(relay, { rate: () => 12 });
		relay.time.runUntil(30_000);
		const late = viewer.received.filter(({ time }) => time > 15_000);
		expect(new Set(late.map(({ header }) => header.rendition))).toEqual(new Set([0]));
		expect(late.length / 15).toBeGreaterThan(1.5);
	});

	test("standing still for two seconds asks for no keys meanwhile, then for one", () => {
		const relay = new VirtualRelay();
		const rate = (time: number) => (time > 5_000 && time < 7_000 ? 0.01 : 1_000);
		const viewer = new VirtualViewer(relay, { rate, settings: { rendition: TOP } });
		relay.time.runUntil(6_900);
		expect(viewer.subscriber.replaced).toBeGreaterThan(0);
		expect(relay.asked).toEqual([]);
		relay.time.runUntil(9_000);
		expect(relay.asked).toHaveLength(1);
		expectDecodable(viewer);
		expect(viewer.received.at(-1)!.time).toBeGreaterThan(8_950);
	});

	test("taxes those who watch the same with one key in two seconds at most", () => {
		const relay = new VirtualRelay();
		const good = new VirtualViewer(relay, { rate: FAST, settings: { rendition: 203 } });
		const bad = new VirtualViewer(relay, { rate: () => 60, settings: { rendition: 203 } });
		relay.time.runUntil(20_000);
		expect(bad.subscriber.replaced).toBeGreaterThan(0);
		const times = relay.asked.map(({ time }) => time);
		for (const [i, time] of times.slice(1).entries()) expect(time - times[i]!).toBeGreaterThanOrEqual(2_000);
		expect(times.length).toBeGreaterThan(3);
		expectDecodable(bad);
		expect(expectDecodable(good)).toBeGreaterThan(590);
	});
});

describe("a viewer that says it needs a key", () => {
	test("gets nothing else before it, and one key however often it says so", () => {
		const relay = new VirtualRelay();
		const viewer = new VirtualViewer(relay, { rate: FAST, settings: { rendition: TOP } });
		relay.time.runUntil(1_000);
		const before = viewer.received.length;
		for (let i = 0; i < 5; i++) viewer.downlink.restart(viewer.subscriber, relay.time.now);
		relay.time.runUntil(1_400);
		expect(relay.asked).toEqual([{ time: 1_000, rendition: TOP }]);
		const after = viewer.received.slice(before).filter(({ header }) => header.captureTime > 1_000);
		expect(after[0]!.header.isKey).toBe(true);
		expect(after.filter(({ header }) => header.isKey)).toHaveLength(1);
	});

	test("goes on where a key is already on its way to it", () => {
		const relay = new VirtualRelay();
		const viewer = new VirtualViewer(relay, { rate: FAST, oneWayMs: 80, settings: { rendition: TOP } });
		relay.time.runUntil(100);
		expect(viewer.received).toEqual([]);
		viewer.downlink.restart(viewer.subscriber, relay.time.now);
		relay.time.runUntil(2_000);
		expect(relay.asked).toEqual([]);
		expect(expectDecodable(viewer)).toBeGreaterThan(40);
	});

	test("is done with the old rendition at once when it is to get another", () => {
		const relay = new VirtualRelay();
		const viewer = new VirtualViewer(relay, { rate: FAST, settings: { rendition: TOP } });
		relay.time.runUntil(1_000);
		viewer.downlink.restart(viewer.subscriber, relay.time.now);
		viewer.ask({ rendition: LOW });
		expect([...relay.camera.demand.counts]).toEqual([[LOW, 1]]);
		relay.time.runUntil(2_000);
		expect(renditionsOf(viewer)).toEqual([TOP, LOW]);
	});

	test("keeps the key that waits for it, as every JPEG is one", () => {
		const relay = new VirtualRelay();
		const viewer = new VirtualViewer(relay, { rate: () => 100, settings: { rendition: 3 } });
		relay.time.runUntil(1_020);
		expect(viewer.subscriber.waitingCount).toBe(1);
		viewer.subscriber.restart(relay.time.now);
		expect(viewer.subscriber.waitingCount).toBe(1);
		relay.time.runUntil(2_000);
		expectCounted(viewer);
	});
});

test("a page that decodes JPEG alone is on the JPEG ladder, also when others watch H.264", () => {
	const relay = new VirtualRelay();
	new VirtualViewer(relay, { rate: FAST });
	const viewer = new VirtualViewer(relay, { rate: FAST, settings: { codec: "jpeg" } });
	relay.time.runUntil(20_000);
	expect(viewer.received.every(({ header }) => header.codec === "jpeg")).toBe(true);
	expect(viewer.received.at(-1)!.header.rendition).toBeGreaterThanOrEqual(6);
});

test("a camera without H.264 is shown in JPEG to everybody", () => {
	const jpegs = renditionsFor({ width: 1280, height: 720 }).filter(({ codec }) => codec === "jpeg");
	const relay = new VirtualRelay(1, jpegs);
	const viewer = new VirtualViewer(relay, { rate: FAST });
	relay.time.runUntil(20_000);
	expect(viewer.received.at(-1)!.header.rendition).toBeGreaterThanOrEqual(6);
});

test("whatever viewers, links and encoders do: what is sent can be decoded, waits no longer than it may, and is counted", () => {
	const event = fc.record({
		after: fc.integer({ min: 0, max: 1_500 }),
		what: fc.constantFrom("pin", "auto", "key", "restart", "silence", "refuse", "window"),
		viewer: fc.nat(2),
		rendition: fc.constantFrom(0, 3, 8, 150, 200, 202, 204),
	});
	const link = fc.record({
		oneWayMs: fc.constantFrom(1, 20, 90),
		rates: fc
			.array(fc.constantFrom(0.5, 10, 60, 200, 1_000, 5_000), { maxLength: 5 })
			.map((rates) => [...rates, 1_000]),
		codec: fc.constantFrom("jpeg" as const, "h264" as const),
		joins: fc.nat(3_000),
	});
	fc.assert(
		fc.property(
			fc.array(event, { maxLength: 25 }),
			fc.array(link, { minLength: 1, maxLength: 3 }),
			fc.constantFrom(0.3, 1, 2),
			(events, links, scale) => {
				const relay = new VirtualRelay(scale);
				let isWell = false;
				const viewers: (VirtualViewer | undefined)[] = [];
				for (const [i, { oneWayMs, rates, codec, joins }] of links.entries())
					relay.time.at(joins, () => {
						const rate = (at: number) => (isWell ? 5_000 : rates[Math.floor(at / 1_700) % rates.length]!);
						viewers[i] = new VirtualViewer(relay, { rate, oneWayMs, settings: { codec } });
					});
				let time = 0;
				for (const { after, what, viewer: index, rendition } of events) {
					time += after;
					relay.time.at(time, () => {
						const viewer = viewers[index];
						const codec = links[index]?.codec ?? "jpeg";
						if (what === "restart") relay.restart();
						else if (what === "silence") relay.isSilent = !relay.isSilent;
						else if (!viewer) return;
						else if (what === "pin") viewer.ask({ rendition, codec });
						else if (what === "auto") viewer.ask({ codec });
						else if (what === "window") viewer.ask({ codec, maxLines: 300 });
						else if (what === "key") viewer.downlink.restart(viewer.subscriber, relay.time.now);
						else viewer.refuses = !viewer.refuses;
					});
				}
				relay.time.runUntil(time + 4_000);
				for (const viewer of viewers) {
					if (!viewer) continue;
					expectDecodable(viewer);
					expectCounted(viewer);
					expect(viewer.longestWaitMs).toBeLessThanOrEqual(MAX_FIRST_WAIT_MS);
				}
				const last = new Map<number, number>();
				for (const { time: at, rendition } of relay.asked) {
					expect(at - (last.get(rendition) ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(500);
					last.set(rendition, at);
				}
				// Nobody is forgotten: when everything is well again, all get frames.
				relay.isSilent = false;
				isWell = true;
				for (const viewer of viewers) if (viewer) viewer.refuses = false;
				relay.time.runUntil(relay.time.now + 10_000);
				const before = viewers.map((viewer) => viewer?.received.length);
				relay.time.runUntil(relay.time.now + 5_000);
				for (const [i, viewer] of viewers.entries())
					if (viewer) expect(viewer.received.length).toBeGreaterThan(before[i]! + 25);
			},
		),
		{ numRuns: 60 },
	);
});
