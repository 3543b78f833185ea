import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeAck, encodeAck } from "#shared/ack.ts";
import { FlowWindow } from "#shared/window.ts";
import { WindowedMin } from "#shared/windowed-min.ts";

const ACK_WRAP_MS = 2 ** 32 / 10;

interface Path {
	/** Bytes per ms. */
	rate: number;
	thereMs?: number;
	backMs?: number;
	/** Each ack is late by up to this, in order. */
	ackJitterMs?: number;
	/** What the receiver's clock shows at an instant; by default it began a day before. */
	clock?: (time: number) => number;
	/** When the receiver gets to notice what arrived at an instant. */
	noticed?: (time: number) => number;
	/** Nothing passes from, until. */
	dead?: readonly [number, number];
	/** How long others' packets keep ours waiting at an instant, ms. */
	foreignQueueMs?: (time: number) => number;
}

/** A source, a flow window, a link that serves in order, and a receiver that acknowledges over the wire. */
class Stream {
	readonly window: FlowWindow;
	/** The longest wait of a frame in front of the link, since it was last set to 0. */
	longestWaitMs = 0;
	mostInFlight = 0;
	sentFrames = 0;
	now = 0;
	#path: Required<Path>;
	#free = 0;
	#received = 0;
	#ackArrival = 0;
	#acks: { time: number; bytes: Uint8Array }[] = [];
	#delivery = 0;
	#nextCapture = 0;
	#hasPending = false;
	#seed = 1;

	constructor(path: Path, initialRate = path.rate) {
		this.#path = {
			thereMs: 10,
			backMs: 10,
			ackJitterMs: 0,
			clock: (time) => time + 86_400_000,
			noticed: (time) => time,
			dead: [Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY],
			foreignQueueMs: () => 0,
			...path,
		};
		this.window = new FlowWindow(initialRate);
	}

	/** Lets time pass; `onStep` is called after each capture and ack. */
	run(until: number, source: { intervalMs: number; bytes: number }, onStep: () => void = () => {}): this {
		for (;;) {
			const ack = this.#acks[0];
			const next = Math.min(this.#nextCapture, ack?.time ?? Number.POSITIVE_INFINITY);
			if (next > until) break;
			this.now = next;
			if (ack?.time === next) {
				this.#acks.shift();
				this.window.acked(next, decodeAck(ack.bytes));
			} else {
				this.#nextCapture += source.intervalMs;
				this.#hasPending = true;
			}
			if (this.#hasPending && this.window.admits(next, source.intervalMs)) this.#send(source.bytes);
			this.mostInFlight = Math.max(this.mostInFlight, this.window.framesInFlight);
			onStep();
		}
		this.now = until;
		return this;
	}

	#send(bytes: number): void {
		const { rate, thereMs, backMs, ackJitterMs, clock, noticed, foreignQueueMs } = this.#path;
		const [deadFrom, deadUntil] = this.#path.dead;
		const pass = (time: number) => (time > deadFrom && time < deadUntil ? deadUntil : time);
		const start = pass(Math.max(this.#free, this.now + foreignQueueMs(this.now)));
		const finish = start + bytes / rate;
		this.#free = start < deadFrom && finish > deadFrom ? finish + deadUntil - deadFrom : finish;
		this.longestWaitMs = Math.max(this.longestWaitMs, start - this.now);
		const headerAt = noticed(Math.max(this.#received, start + thereMs));
		const bodyAt = noticed(this.#free + thereMs);
		this.#received = bodyAt;
		this.#seed = (this.#seed * 48_271) % 2_147_483_647;
		this.#ackArrival = Math.max(
			this.#ackArrival,
			bodyAt + backMs + (ackJitterMs * this.#seed) / 2_147_483_647,
		);
		const ack = { delivery: this.#delivery, headerTime: clock(headerAt), bodyTime: clock(bodyAt) };
		this.#acks.push({ time: this.#ackArrival, bytes: encodeAck(ack) });
		this.window.sent(this.now, this.#delivery++, bytes);
		this.#hasPending = false;
		this.sentFrames++;
	}
}

/** Measured over real, minus one. */
function errorOf(stream: Stream, rate: number, horizonMs = 1_000): number {
	return Math.abs(stream.window.rate(stream.now, horizonMs) / rate - 1);
}

const at30 = { intervalMs: 1000 / 30, bytes: 20_000 };

describe("a constant link", () => {
	test("one that takes a second for a frame: its rate is known and one frame waits at most", () => {
		for (const rate of [1, 3, 6, 12]) {
			const stream = new Stream({ rate, thereMs: 40, backMs: 40 }, 800);
			stream.run(60_000, { intervalMs: 1000 / 30, bytes: 5_500 });
			stream.longestWaitMs = 0;
			stream.run(120_000, { intervalMs: 1000 / 30, bytes: 5_500 });
			expect(stream.mostInFlight).toBeLessThanOrEqual(2);
			expect(stream.longestWaitMs).toBeLessThan(5_500 / rate);
			if (rate > 5.5) expect(errorOf(stream, rate)).toBeLessThan(0.1);
		}
	});

	test("its rate is known within 10 %, at any frame rate, round trip and load, and frames hardly wait", () => {
		fc.assert(
			fc.property(
				fc.constantFrom(10, 25, 30, 60),
				fc.integer({ min: 1, max: 150 }),
				fc.integer({ min: 1, max: 150 }),
				fc.double({ min: 0.1, max: 2.5, noNaN: true }),
				fc.double({ min: 0.3, max: 3, noNaN: true }),
				(framesPerSecond, thereMs, backMs, load, guess) => {
					const rate = 800;
					const intervalMs = 1000 / framesPerSecond;
					const stream = new Stream({ rate, thereMs, backMs }, guess * rate);
					const source = { intervalMs, bytes: Math.max(1_000, Math.round(load * rate * intervalMs)) };
					stream.run(3_000, source);
					stream.longestWaitMs = 0;
					stream.run(6_000, source);
					expect(errorOf(stream, rate)).toBeLessThan(0.1);
					expect(stream.longestWaitMs).toBeLessThan(25);
					expect(stream.window.roundTripMs).toBeGreaterThanOrEqual(thereMs + backMs - 0.2);
					expect(stream.window.roundTripMs).toBeLessThan(thereMs + backMs + source.bytes / rate);
				},
			),
			{ numRuns: 60 },
		);
	});

	test.each([10, 25, 30, 60])("with room for %d frames a second all are sent, 200 ms away", (fps) => {
		const stream = new Stream({ rate: 5_000, thereMs: 100, backMs: 100 });
		const source = { intervalMs: 1000 / fps, bytes: 30_000 };
		stream.run(2_000, source);
		const before = stream.sentFrames;
		stream.run(12_000, source);
		expect(stream.sentFrames - before).toBeGreaterThanOrEqual(10 * fps - 1);
	});

	test("a link of one frame a second is used all the time, one frame behind the other", () => {
		const stream = new Stream({ rate: 6 }, 600);
		stream.run(60_000, { intervalMs: 1000 / 30, bytes: 5_200 });
		expect(stream.sentFrames).toBeGreaterThan(55);
		expect(stream.mostInFlight).toBeLessThanOrEqual(2);
	});

	test("before the first ack there is one frame in flight", () => {
		const window = new FlowWindow(10_000);
		expect(window.admits(0, 33)).toBe(true);
		window.sent(0, 0, 1_000);
		expect(window.admits(30, 33)).toBe(false);
		expect(window.isMeasured).toBe(false);
		expect(window.headBytes).toBe(1_000);
		window.acked(40, { delivery: 0, headerTime: 15, bodyTime: 20 });
		expect(window.isMeasured).toBe(true);
		expect(window.headBytes).toBe(0);
		expect(window.roundTripMs).toBeCloseTo(35);
		expect(window.admits(40, 33)).toBe(true);
	});

	test("the ack's clock may wrap at any instant, even inside the first frame", () => {
		for (const wrapAt of [5, 12.3, 25, 30, 1_000, 2_999.95, 3_000]) {
			const stream = new Stream({ rate: 800, clock: (time) => ACK_WRAP_MS - wrapAt + time });
			stream.run(5_000, at30);
			expect(stream.window.isTrusted).toBe(true);
			expect(errorOf(stream, 800, 5_000)).toBeLessThan(0.05);
			expect(stream.window.roundTripMs).toBeCloseTo(20, 0);
		}
	});

	test("the rate sent is that of the last second", () => {
		const window = new FlowWindow(100);
		for (let i = 0; i < 30; i++) window.sent(i * 100, i, 5_000);
		expect(window.sentRate(2_900)).toBeCloseTo(55);
		expect(window.sentRate(3_400)).toBeCloseTo(30);
		expect(window.sentRate(9_000)).toBe(0);
	});
});

describe("an outage", () => {
	const dead = [5_000, 7_000] as const;

	test("lowers the rate by silence alone, keeps the gate closed, and is over within half a second", () => {
		const stream = new Stream({ rate: 800, thereMs: 40, backMs: 40, dead });
		stream.run(dead[0] + 150, at30);
		const { window } = stream;
		const inFlight = window.framesInFlight;
		expect(window.overdueMs(dead[0] + 600)).toBeGreaterThan(400);
		let last = window.rate(dead[0] + 150, 300);
		for (let now = dead[0] + 200; now < dead[1]; now += 50) {
			expect(window.rate(now, 300)).toBeLessThan(last);
			expect(window.admits(now, at30.intervalMs)).toBe(false);
			last = window.rate(now, 300);
		}
		expect(last).toBeLessThan(0.15 * 800);
		expect(window.silentMs(dead[1])).toBeGreaterThan(1_900);
		stream.run(dead[1] - 1, at30);
		expect(window.framesInFlight).toBe(inFlight);
		stream.run(dead[1] + 500, at30);
		expect(errorOf(stream, 800, 300)).toBeLessThan(0.1);
		const before = stream.sentFrames;
		stream.run(dead[1] + 1_500, at30);
		expect(stream.sentFrames - before).toBeGreaterThanOrEqual(28);
	});

	test("what is in flight when it begins is little, however fast the link was", () => {
		const stream = new Stream({ rate: 20_000, thereMs: 40, backMs: 40, dead });
		stream.run(6_900, at30);
		// The empty round trip, the time until silence is noticed, and three intervals: no more.
		expect(stream.window.framesInFlight).toBeLessThanOrEqual(7);
	});
});

describe("measuring", () => {
	test("20 ms of jitter on the acks' way back change nothing", () => {
		const stream = new Stream({ rate: 800, ackJitterMs: 20 });
		stream.run(3_000, at30);
		stream.longestWaitMs = 0;
		const before = stream.sentFrames;
		stream.run(13_000, at30);
		expect(errorOf(stream, 800)).toBeLessThan(0.1);
		expect(stream.longestWaitMs).toBeLessThan(25);
		expect(stream.sentFrames - before).toBeGreaterThan(285);
	});

	test("header and body that a stall released together say nothing about the rate", () => {
		const window = new FlowWindow(500);
		for (let i = 0; i < 10; i++) {
			window.sent(i * 33, i, 20_000);
			window.acked(i * 33 + 45, { delivery: i, headerTime: i * 33 + 10, bodyTime: i * 33 + 35 });
		}
		const rate = window.rate(400, 1_000);
		expect(rate).toBeCloseTo(800);
		window.sent(400, 10, 20_000);
		expect(window.acked(600, { delivery: 10, headerTime: 590, bodyTime: 590.2 })).toBeNull();
		expect(window.rate(600, 1_000)).toBe(rate);
		expect(window.inFlightBytes).toBe(0);
	});

	test("a receiver that hangs for 60 ms twice a second still measures the link", () => {
		const noticed = (time: number) => (time % 500 < 60 ? time - (time % 500) + 60 : time);
		const stream = new Stream({ rate: 1_600, noticed });
		stream.run(10_000, at30);
		expect(errorOf(stream, 1_600, 5_000)).toBeLessThan(0.25); // a body noticed late reads as a slow link: safe
		expect(stream.window.isTrusted).toBe(true);
	});

	test("headers up to 15 ms late were held by the link, not by load", () => {
		const window = new FlowWindow(500);
		const ack = (delivery: number, sentTime: number, lateMs: number) => {
			window.sent(sentTime, delivery, 20_000);
			const headerTime = sentTime + 10 + lateMs;
			return window.acked(sentTime + 60, { delivery, headerTime, bodyTime: headerTime + 10 })?.serviceMs;
		};
		expect(ack(0, 0, 0)).toBeCloseTo(10);
		expect(ack(1, 100, 14)).toBeCloseTo(10);
		expect(ack(2, 200, 40)).toBeCloseTo(35);
	});
});

describe("somebody else's queue", () => {
	test("counts as part of the way once it never empties, and no longer when it is gone", () => {
		const foreignQueueMs = (time: number) => (time > 5_000 && time < 12_000 ? 150 : 0);
		const stream = new Stream({ rate: 800, foreignQueueMs });
		stream.run(5_000, at30);
		expect(stream.window.roundTripMs).toBeCloseTo(20, 0);
		stream.run(5_900, at30);
		expect(stream.window.rate(stream.now, 300)).toBeLessThan(300); // it may still be our own
		stream.run(9_000, at30);
		expect(stream.window.roundTripMs).toBeGreaterThan(160);
		expect(errorOf(stream, 800)).toBeLessThan(0.1);
		const before = stream.sentFrames;
		stream.run(11_900, at30);
		expect(stream.sentFrames - before).toBeGreaterThan(80);
		stream.run(14_000, at30); // what we had in it drains first
		expect(stream.window.roundTripMs).toBeCloseTo(20, 0);
		expect(errorOf(stream, 800, 300)).toBeLessThan(0.1);
	});
});

describe("a clock that stood still", () => {
	const asleep = (time: number) => (time > 5_000 && time < 8_000 ? 8_000 : time);
	test.each([
		["the receiver's", { noticed: asleep, clock: (time: number) => 1e6 + time - (time < 8_000 ? 0 : 3_000) }],
		["ours", { clock: (time: number) => 1e6 + time + (time < 8_000 ? 0 : 3_000) }],
	])("%s: the path is measured anew, and frames flow on", (_, path) => {
		const stream = new Stream({ rate: 800, thereMs: 40, backMs: 40, ...path });
		stream.run(8_400, at30);
		const before = stream.sentFrames;
		stream.run(9_400, at30);
		expect(stream.sentFrames - before).toBeGreaterThanOrEqual(29);
		expect(stream.window.isTrusted).toBe(true);
		expect(stream.window.roundTripMs).toBeCloseTo(80, 0);
		expect(errorOf(stream, 800)).toBeLessThan(0.1);
	});
});

describe("lying acks", () => {
	const honest = (delivery: number, time: number) => ({ delivery, headerTime: time - 5, bodyTime: time });

	test.each([
		["never sent", honest(77, 150)],
		["twice", honest(0, 60)],
		["out of order", honest(1, 150)],
		["time going backwards", honest(3, 90)],
		["a body before its header", { delivery: 3, headerTime: 150, bodyTime: 140 }],
	])("%s: one frame in flight from then on", (_, lie) => {
		const window = new FlowWindow(100_000);
		for (let i = 0; i < 3; i++) {
			window.sent(i * 33, i, 1_000);
			window.acked(i * 33 + 40, honest(i, i * 33 + 30));
		}
		window.sent(100, 3, 1_000);
		expect(window.admits(101, 33)).toBe(true);
		window.acked(140, lie);
		expect(window.isTrusted).toBe(false);
		if (window.framesInFlight === 0) window.sent(150, 4, 1_000);
		expect(window.framesInFlight).toBe(1);
		expect(window.admits(160, 33)).toBe(false);
		expect(window.admitsBehind(160, 33, { bytes: 1, aheadBytes: 0 })).toBe(false);
	});

	test("an hour in the future: the next honest ack reveals it", () => {
		const window = new FlowWindow(100_000);
		window.sent(0, 0, 1_000);
		window.acked(40, honest(0, 3_600_000));
		window.sent(50, 1, 1_000);
		window.acked(90, honest(1, 80));
		expect(window.isTrusted).toBe(false);
	});

	test("further in the future with each: one frame in flight", () => {
		const clock = (time: number) => 30 * time;
		const stream = new Stream({ rate: 100_000, thereMs: 100, backMs: 100, clock });
		const source = { intervalMs: 33, bytes: 1_000 };
		stream.run(1_000, source); // the first ack has nothing to be compared with
		stream.mostInFlight = 0;
		stream.run(6_000, source);
		expect(stream.mostInFlight).toBe(1);
	});

	const ack = fc.record({
		delivery: fc.oneof(fc.nat(40), fc.constantFrom(2 ** 32 - 1, 2 ** 31)),
		headerTime: fc.oneof(
			fc.nat(5_000),
			fc.nat(2 ** 32 - 1).map((ticks) => ticks / 10),
		),
		bodyTime: fc.oneof(
			fc.nat(5_000),
			fc.nat(2 ** 32 - 1).map((ticks) => ticks / 10),
		),
	});
	const step = fc.oneof(
		fc.record({ does: fc.constant("sent" as const), bytes: fc.integer({ min: 1, max: 100_000 }) }),
		fc.record({ does: fc.constant("acked" as const), ack }),
		fc.record({ does: fc.constant("honest" as const), lateMs: fc.nat(500) }),
		fc.record({ does: fc.constant("restart" as const), share: fc.double({ min: 0.1, max: 1, noNaN: true }) }),
	);

	test("whatever comes: what was sent is acknowledged or in flight, no number breaks, and it never throws", () => {
		fc.assert(
			fc.property(fc.array(fc.tuple(step, fc.nat(300)), { maxLength: 120 }), (steps) => {
				const window = new FlowWindow(500);
				const flying = new Map<number, number>();
				let delivery = 0;
				let now = 0;
				let sent = 0;
				let acknowledged = 0;
				const take = (upTo: number) => {
					if (!flying.has(upTo)) return;
					for (const [one, bytes] of flying) {
						if (one > upTo) break;
						acknowledged += bytes;
						flying.delete(one);
					}
				};
				for (const [step, passed] of steps) {
					now += passed;
					if (step.does === "sent") {
						flying.set(delivery, step.bytes);
						window.sent(now, delivery++, step.bytes);
						sent += step.bytes;
					} else if (step.does === "acked") {
						window.acked(now, step.ack);
						take(step.ack.delivery);
					} else if (step.does === "honest") {
						const oldest = flying.keys().next().value ?? 0;
						window.acked(now, { delivery: oldest, headerTime: now, bodyTime: now + step.lateMs });
						take(oldest);
					} else window.restart(now, step.share);
					expect(window.inFlightBytes).toBe(sent - acknowledged);
					expect(window.framesInFlight).toBe(flying.size);
					const rate = window.rate(now, 300);
					expect(rate > 0 && Number.isFinite(rate)).toBe(true);
					expect(Number.isFinite(window.overdueMs(now))).toBe(true);
					expect(Number.isFinite(window.roundTripMs)).toBe(true);
					if (flying.size === 0) expect(window.admits(now, 33)).toBe(true);
					else if (!window.isTrusted) expect(window.admits(now, 33)).toBe(false);
				}
			}),
		);
	});
});

describe("several renditions of one raw frame", () => {
	test("a larger one follows if all would be through before the next raw frame", () => {
		const window = new FlowWindow(1_000);
		expect(window.admitsBehind(0, 33, { bytes: 10_000, aheadBytes: 5_000 })).toBe(false); // nothing measured yet
		window.sent(0, 0, 20_000);
		window.acked(60, { delivery: 0, headerTime: 20, bodyTime: 40 });
		// 1.2 intervals and the 20 ms that any frame may wait: 60 ms of 1000 bytes per ms.
		expect(window.admitsBehind(100, 100 / 3, { bytes: 30_000, aheadBytes: 29_000 })).toBe(true);
		expect(window.admitsBehind(100, 100 / 3, { bytes: 30_000, aheadBytes: 31_000 })).toBe(false);
		// Told ahead or already handed over is the same.
		window.sent(100, 1, 29_000);
		expect(window.admitsBehind(100, 100 / 3, { bytes: 29_000, aheadBytes: 0 })).toBe(true);
		expect(window.admitsBehind(100, 100 / 3, { bytes: 32_000, aheadBytes: 0 })).toBe(false);
		expect(window.admitsBehind(100, 100 / 3, { bytes: 3_000, aheadBytes: 29_000 })).toBe(false);
	});
});

describe("restart", () => {
	const paused = () =>
		new Stream({ rate: 800 }, 5_000).run(5_000, at30).run(5_200, { ...at30, intervalMs: 3_600_000 });

	test("believes a share of all that was measured before the pause, until something is measured again", () => {
		const { window } = paused();
		window.restart(65_000, 0.7);
		expect(window.isMeasured).toBe(false);
		expect(window.rate(65_000, 300)).toBeCloseTo(0.7 * 800, -1);
		window.sent(65_000, 10_000, 20_000);
		expect(window.admits(65_020, 33)).toBe(true); // the round trip is still known
	});

	test("the last two frames alone decide nothing", () => {
		const { window } = paused();
		for (const i of [0, 1]) {
			const sentTime = 5_300 + 50 * i;
			const arrival = 86_400_000 + sentTime + 10;
			window.sent(sentTime, 1_000 + i, 40);
			window.acked(sentTime + 30, { delivery: 1_000 + i, headerTime: arrival, bodyTime: arrival + 1 });
		}
		expect(window.rate(65_000, 300)).toBeCloseTo(40);
		window.restart(65_000, 0.7);
		expect(window.rate(65_000, 300)).toBeCloseTo(0.7 * 800, -1.5);
	});

	test("twice without anything in between is once", () => {
		const { window } = paused();
		window.restart(65_000, 0.7);
		window.restart(125_000, 0.7);
		expect(window.rate(125_000, 300)).toBeCloseTo(0.7 * 800, -1);
	});

	test("a pause of a moment changes nothing", () => {
		const { window } = paused();
		const rate = window.rate(5_300, 300);
		window.restart(5_300, 0.7);
		expect(window.rate(5_300, 300)).toBe(rate);
	});
});

test("WindowedMin is the smallest value of its window, within a tenth of it", () => {
	fc.assert(
		fc.property(fc.array(fc.tuple(fc.nat(400), fc.integer({ min: -1000, max: 1000 }))), (steps) => {
			const min = new WindowedMin(1_000);
			expect(min.value).toBe(Number.POSITIVE_INFINITY);
			const seen: { time: number; value: number }[] = [];
			let now = 0;
			for (const [passed, value] of steps) {
				now += passed;
				min.add(now, value);
				seen.push({ time: now, value });
				const within = (ms: number) =>
					Math.min(...seen.filter(({ time }) => now - time <= ms).map((one) => one.value));
				expect(min.value).toBeLessThanOrEqual(within(900));
				expect(min.value).toBeGreaterThanOrEqual(within(1_100));
			}
			min.clear();
			expect(min.value).toBe(Number.POSITIVE_INFINITY);
		}),
	);
});
