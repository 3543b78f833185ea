import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { ladderFor } from "#shared/ladder.ts";
import { MODES, type Mode } from "#shared/protocol.ts";
import { pictureValue, RungChooser } from "../../relay/delivery/allocation.ts";
import type { Link, Rung } from "../../relay/delivery/evidence.ts";
import { RateHistory } from "../../relay/delivery/rate-history.ts";

const rungs: Rung[] = ladderFor({ width: 1280, height: 720 }).map(({ nominalBytes, ssim }) => ({
	bytes: nominalBytes,
	keyBytes: nominalBytes,
	value: pictureValue(ssim),
	isSkippable: true,
}));
const TOP = rungs.length - 1;
const START = 3;
const TICK_MS = 50; // between two looks while nothing comes

interface Scene {
	/** Bytes per ms the link carries at an instant. */
	rate: (time: number) => number;
	mode?: Mode;
	cap?: (time: number) => number;
	intervalMs?: number;
	roundTripMs?: number;
}

/** A chooser behind a link that carries what it carries: a new frame when the last is through, an ack for each. */
class Viewing {
	readonly chooser = new RungChooser(START, 0);
	readonly changes: { time: number; from: number; to: number }[] = [];
	readonly shown: { time: number; rung: number }[] = [];
	readonly history = new RateHistory();
	now = 0;
	#scene: Required<Scene>;
	#sent: { time: number; bytes: number }[] = [];
	#headBytes = rungs[START]!.bytes;

	constructor(scene: Scene) {
		this.#scene = { mode: "balanced", cap: () => TOP, intervalMs: 1000 / 30, roundTripMs: 40, ...scene };
	}

	run(until: number): this {
		const { rate, intervalMs } = this.#scene;
		while (this.now < until) {
			const { bytes } = rungs[this.chooser.rung]!;
			const serviceMs = Math.min(400, Math.max(1, bytes / rate(this.now)));
			this.#sent.push({ time: this.now, bytes });
			this.#headBytes = bytes;
			this.shown.push({ time: this.now, rung: this.chooser.rung });
			const startTime = this.now;
			const endTime = startTime + Math.max(intervalMs, bytes / rate(startTime));
			while (this.now + TICK_MS < endTime) {
				this.now += TICK_MS;
				this.decide(this.now - startTime);
			}
			this.now = endTime;
			this.history.add({ time: this.now, bytes, serviceMs });
			this.decide();
		}
		return this;
	}

	decide(overdueMs = 0): number {
		const { cap, mode, intervalMs, roundTripMs } = this.#scene;
		while (this.#sent.length > 0 && this.now - this.#sent[0]!.time > 1_000) this.#sent.shift();
		const from = this.chooser.rung;
		const link: Link = {
			history: this.history.buckets,
			roundTripMs,
			overdueMs,
			headBytes: this.#headBytes,
			sentRate: this.#sent.reduce((sum, { bytes }) => sum + bytes, 0) / 1_000,
			intervalMs,
		};
		const to = this.chooser.decide(this.now, link, { rungs, cap: cap(this.now), mode });
		if (to !== from) this.changes.push({ time: this.now, from, to });
		return to;
	}

	meanRung(from: number): number {
		const shown = this.shown.filter(({ time }) => time >= from);
		return shown.reduce((sum, { rung }) => sum + rung, 0) / shown.length;
	}
}

/** Log-normal around `mean`, another every 200 ms, the same for the same seed. */
function noisyRate(mean: number, sigma: number, seed: number): (time: number) => number {
	const rates: number[] = [];
	let state = seed % 2_147_483_647 || 1;
	const random = () => {
		state = (state * 48_271) % 2_147_483_647;
		return state / 2_147_483_647;
	};
	return (time) => {
		const at = Math.floor(time / 200);
		while (rates.length <= at) {
			const normal = Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
			rates.push(mean * Math.exp(sigma * normal));
		}
		return rates[at]!;
	};
}

describe("a link of constant rate", () => {
	test.each([10, 25, 30, 60])(
		"that is fast: at the top within three changes, at %d frames a second",
		(fps) => {
			const viewing = new Viewing({ rate: () => 30_000, intervalMs: 1000 / fps }).run(30_000);
			expect(viewing.chooser.rung).toBe(TOP);
			expect(viewing.changes.length).toBeLessThanOrEqual(3);
			expect(viewing.changes.every(({ from, to }) => to > from)).toBe(true);
		},
	);

	test("never flaps: at most five changes a minute after the first half", () => {
		fc.assert(
			fc.property(
				fc.integer({ min: 30, max: 4_000 }),
				fc.double({ min: 0, max: 0.15, noNaN: true }),
				fc.integer({ min: 1, max: 1e6 }),
				fc.constantFrom(...MODES),
				(rate, sigma, seed, mode) => {
					const viewing = new Viewing({ rate: noisyRate(rate, sigma, seed), mode }).run(90_000);
					expect(viewing.changes.filter(({ time }) => time > 30_000).length).toBeLessThanOrEqual(5);
				},
			),
			{ numRuns: 40 },
		);
	});

	test("the rung it settles on leaves the frame rate whole and grows with the link", () => {
		let last = 0;
		for (const rate of [200, 400, 800, 1_600, 3_200, 6_400]) {
			const viewing = new Viewing({ rate: () => rate }).run(60_000);
			expect(rungs[viewing.chooser.rung]!.bytes / rate).toBeLessThan(40);
			expect(viewing.chooser.rung).toBeGreaterThanOrEqual(last);
			last = viewing.chooser.rung;
		}
	});

	test("one too slow for any picture in time still has a rung: the cheapest", () => {
		expect(new Viewing({ rate: () => 6 }).run(60_000).chooser.rung).toBe(0);
	});
});

describe("a change of the link", () => {
	test("ten times slower: down within a second, near the bottom in two, and up again soon after it is back", () => {
		const rate = (time: number) => (time > 20_000 && time < 40_000 ? 250 : 2_500);
		const viewing = new Viewing({ rate }).run(20_000);
		const before = viewing.chooser.rung;
		expect(before).toBeGreaterThanOrEqual(5);
		viewing.run(40_000);
		// Until then the flow window keeps the age down by sending less often.
		const downs = viewing.changes.filter(({ time }) => time > 20_000);
		expect(downs[0]!.time).toBeLessThan(21_000);
		expect(downs.findLast(({ time }) => time < 22_000)!.to).toBeLessThanOrEqual(2);
		expect(downs.every(({ from, to }) => to < from)).toBe(true);
		expect(viewing.chooser.rung).toBeLessThanOrEqual(1);
		viewing.run(46_000);
		expect(viewing.chooser.rung).toBeGreaterThanOrEqual(before - 1);
	});

	test("nothing at all for two seconds: at the cheapest rung, in at most three changes, by silence alone", () => {
		const viewing = new Viewing({ rate: () => 1_200 }).run(10_000);
		const known = viewing.changes.length;
		const startTime = viewing.now;
		while (viewing.now < startTime + 2_000) {
			viewing.now += TICK_MS;
			viewing.decide(viewing.now - startTime);
		}
		expect(viewing.chooser.rung).toBe(0);
		expect(viewing.changes.length - known).toBeLessThanOrEqual(3);
	});

	test("not even a first ack for 600 ms: the cheapest rung", () => {
		const viewing = new Viewing({ rate: () => 1 });
		viewing.now = 590;
		expect(viewing.decide(590)).toBe(START);
		viewing.now = 610; // sooner than the next look would be
		expect(viewing.decide(610)).toBe(0);
	});

	test("one lost frame interval is no outage", () => {
		const viewing = new Viewing({ rate: () => 1_200 }).run(10_000);
		const { rung } = viewing.chooser;
		viewing.now += 101;
		expect(viewing.decide(60)).toBe(rung);
	});

	test("each climb that fails makes the next one wait longer", () => {
		// Fast for a moment after every way down: invites climbing at once.
		let slowFrom = 8_000;
		const rate = (time: number) => (time < slowFrom ? 2_500 : 300);
		const viewing = new Viewing({ rate });
		const ups: number[] = [];
		viewing.run(8_000);
		for (let i = 0; i < 6; i++) {
			const known = viewing.changes.length;
			while (!viewing.changes.slice(known).some(({ from, to }) => to < from)) viewing.run(viewing.now + 30);
			const downTime = viewing.now;
			slowFrom = Number.POSITIVE_INFINITY;
			const down = viewing.changes.length;
			while (!viewing.changes.slice(down).some(({ from, to }) => to > from)) viewing.run(viewing.now + 30);
			ups.push(viewing.now - downTime);
			slowFrom = viewing.now;
		}
		expect(ups.at(-1)!).toBeGreaterThan(2 * ups[0]!);
	});
});

describe("the cap", () => {
	test("lowered takes effect at once, between two looks and without any evidence", () => {
		const chooser = new RungChooser(6, 0);
		const link: Link = {
			history: [],
			roundTripMs: 40,
			overdueMs: 0,
			headBytes: 0,
			sentRate: 0,
			intervalMs: 33,
		};
		expect(chooser.decide(1, link, { rungs, cap: TOP, mode: "balanced" })).toBe(6);
		expect(chooser.decide(2, link, { rungs, cap: 2, mode: "balanced" })).toBe(2);
		expect(chooser.decide(3, link, { rungs, cap: TOP, mode: "balanced" })).toBe(2);
	});

	test("is never exceeded, and raised leads up again", () => {
		const cap = (time: number) => (time < 20_000 ? 4 : TOP);
		const viewing = new Viewing({ rate: () => 30_000, cap }).run(20_000);
		expect(Math.max(...viewing.shown.map(({ rung }) => rung))).toBe(4);
		expect(viewing.run(30_000).chooser.rung).toBeGreaterThanOrEqual(TOP - 1);
	});
});

describe("growth", () => {
	test("a step up asks for at most four times the bytes that were proven", () => {
		fc.assert(
			fc.property(fc.integer({ min: 100, max: 50_000 }), (rate) => {
				const viewing = new Viewing({ rate: () => rate }).run(10_000);
				for (const { from, to } of viewing.changes)
					expect(rungs[to]!.bytes).toBeLessThanOrEqual(4.2 * rungs[Math.max(from, to - 4)]!.bytes);
			}),
			{ numRuns: 30 },
		);
	});
});

describe("modes", () => {
	test("on the same noisy link smooth is never above balanced, nor balanced above sharp, in the mean", () => {
		for (const mean of [300, 800, 2_000])
			for (const seed of [1, 2, 3]) {
				const [smooth, balanced, sharp] = MODES.map((mode) =>
					new Viewing({ rate: noisyRate(mean, 0.5, seed), mode }).run(120_000).meanRung(10_000),
				);
				expect(smooth!).toBeLessThanOrEqual(balanced! + 0.1);
				expect(balanced!).toBeLessThanOrEqual(sharp! + 0.1);
				expect(smooth!).toBeLessThan(sharp!);
			}
	});

	test("sharp trades frames for detail, smooth the other way", () => {
		const framesPerSecond = MODES.map(
			(mode) => new Viewing({ rate: noisyRate(800, 0.5, 7), mode }).run(120_000).shown.length / 120,
		);
		expect(framesPerSecond[0]!).toBeGreaterThan(framesPerSecond[2]!);
		expect(framesPerSecond[1]!).toBeGreaterThan(25);
	});
});

describe("RateHistory", () => {
	test("joins what came within 200 ms and forgets after five seconds", () => {
		const history = new RateHistory();
		for (let time = 0; time <= 10_000; time += 50) history.add({ time, bytes: 1_000, serviceMs: 2 });
		expect(history.buckets[0]).toEqual({ time: 5_000, bytes: 4_000, busyMs: 8, frames: 4 });
		expect(history.buckets.length).toBe(26);
		history.clear();
		expect(history.buckets).toEqual([]);
	});
});

test("a picture's value is 0 below SSIM 0.7 and 1 from 0.965 on", () => {
	expect([0.5, 0.7, 0.8325, 0.965, 1].map((ssim) => Math.round(pictureValue(ssim) * 100))).toEqual([
		0, 0, 50, 100, 100,
	]);
});

describe("rungs whose frames cannot be left out one by one", () => {
	const low: Rung = { bytes: 1_000, keyBytes: 5_000, value: 0.5, isSkippable: false };
	const high: Rung = { bytes: 4_000, keyBytes: 24_000, value: 0.9, isSkippable: false };

	/** Where a chooser of these rungs is after a while on a link of constant rate, bytes per ms. */
	function settled(rate: number, ladder: Rung[], start: number): number {
		const chooser = new RungChooser(start, 0);
		const history = new RateHistory();
		for (let now = 0; now < 20_000; now += 33) {
			const { bytes } = ladder[chooser.rung]!;
			history.add({ time: now, bytes, serviceMs: bytes / rate });
			chooser.decide(now, linkOf(history, bytes / 33), { rungs: ladder, cap: 1, mode: "balanced" });
		}
		return chooser.rung;
	}

	const linkOf = (history: RateHistory, sentRate: number): Link => ({
		history: history.buckets,
		roundTripMs: 40,
		overdueMs: 0,
		headBytes: 1_000,
		sentRate,
		intervalMs: 1000 / 30,
	});
	const asJpeg = (rung: Rung): Rung => ({ ...rung, keyBytes: rung.bytes, isSkippable: true });

	test("are left where not all of them fit, though as JPEGs fewer of them would do", () => {
		expect(settled(105, [low, high].map(asJpeg), 1)).toBe(1);
		expect(settled(105, [low, high], 1)).toBe(0);
	});

	test("are not climbed to where their key keeps the link busy for too long, and kept once one is there", () => {
		expect(settled(150, [low, { ...high, keyBytes: 4_000 }], 0)).toBe(1);
		expect(settled(150, [low, high], 0)).toBe(0);
		expect(settled(200, [low, high], 0)).toBe(1);
		expect(settled(150, [low, high], 1)).toBe(1);
	});

	test("are left for good by whoever lost its place, where another key would take too long", () => {
		const history = new RateHistory();
		for (let now = 0; now < 2_000; now += 33)
			history.add({ time: now, bytes: 4_000, serviceMs: 4_000 / 150 });
		const chooser = new RungChooser(1, 0);
		const choice = { rungs: [low, high], cap: 1, mode: "balanced" } as const;
		expect(chooser.descend(2_000, linkOf(history, 120), choice)).toBe(0);
		const quick = new RungChooser(1, 0);
		const small = { ...choice, rungs: [low, { ...high, keyBytes: 8_000 }] };
		expect(quick.descend(2_000, linkOf(history, 120), small)).toBe(1);
	});
});
