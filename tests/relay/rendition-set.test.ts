import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { h264LadderFor, ladderFor } from "#shared/ladder.ts";
import { pictureValue } from "../../relay/delivery/allocation.ts";
import { bestSet, type Offered, RenditionSet } from "../../relay/delivery/rendition-set.ts";

const LADDER = ladderFor({ width: 1280, height: 720 });

/** The 720p ladder at 30 frames a second with viewers by rung: costs 156, 264, 408, 591, 813, 1086, 1560, 2337, 3210. */
function offered(viewers: Record<number, number>): Offered[] {
	return LADDER.map(({ nominalBytes, ssim }, i) => ({
		viewers: viewers[i] ?? 0,
		cost: (nominalBytes * 30) / 1_000,
		value: pictureValue(ssim),
		isLowest: i === 0,
	}));
}

function rungsOf(set: number): number[] {
	return LADDER.map((_, i) => i).filter((i) => (set >> i) & 1);
}

function costOf(set: number, rungs: readonly Offered[]): number {
	return rungs.reduce((sum, { cost }, i) => ((set >> i) & 1 ? sum + cost : sum), 0);
}

const mixed = offered({ 8: 1, 6: 2, 4: 5, 1: 2 }); // 5847 bytes per ms in all

describe("bestSet", () => {
	test.each([
		["all that is wanted where it fits", { 8: 1, 6: 2, 4: 5, 1: 2 }, 6_000, [1, 4, 6, 8]],
		["without the one viewer's dearest where it does not", { 8: 1, 6: 2, 4: 5, 1: 2 }, 4_000, [1, 4, 6]],
		["what most of them have", { 8: 1, 6: 2, 4: 5, 1: 2 }, 1_200, [1, 4]],
		["one for all where there is only room for one", { 8: 1, 6: 2, 4: 5, 1: 2 }, 300, [1]],
		["a rung below everybody's own", { 8: 3 }, 900, [4]],
		["the many do not push out the one who can take little", { 8: 30, 0: 1 }, 3_250, [0, 7]],
		["too dear, and still made: fewer frames are better than none", { 8: 30, 0: 1 }, 100, [0]],
		["nothing comes through: the cheapest", { 8: 1 }, 0, [0]],
	])("%s", (_, viewers, budget, expected) => {
		expect(rungsOf(bestSet(offered(viewers), budget))).toEqual(expected);
	});

	test("at most four, the others get the next best", () => {
		const set = bestSet(offered({ 0: 1, 2: 1, 4: 1, 5: 1, 6: 1, 8: 5 }), Number.POSITIVE_INFINITY);
		expect(rungsOf(set)).toEqual([0, 2, 4, 8]);
	});

	const anyRungs = fc
		.array(
			fc.record({
				viewers: fc.nat(20),
				cost: fc.double({ min: 1, max: 1_000, noNaN: true }),
				gain: fc.double({ min: 0, max: 0.3, noNaN: true }),
			}),
			{ minLength: 1, maxLength: 10 },
		)
		.filter((rungs) => rungs.some(({ viewers }) => viewers > 0))
		.map((rungs) => {
			let cost = 0;
			let value = 0;
			return rungs.map((rung, i): Offered => {
				cost += rung.cost;
				value = Math.min(1, value + rung.gain);
				return { viewers: rung.viewers, cost, value, isLowest: i === 0 };
			});
		});
	const anyBudget = fc.double({ min: 0, max: 10_000, noNaN: true });

	test("within the budget or one alone, at most four, nobody left without, nothing that nobody gets", () => {
		fc.assert(
			fc.property(anyRungs, anyBudget, (rungs, budget) => {
				const set = bestSet(rungs, budget);
				const made = rungs.map((_, i) => i).filter((i) => (set >> i) & 1);
				expect(made.length).toBeGreaterThan(0);
				expect(made.length).toBeLessThanOrEqual(4);
				if (made.length > 1) expect(costOf(set, rungs)).toBeLessThanOrEqual(budget);
				const served = new Set<number | undefined>();
				rungs.forEach(({ viewers }, own) => {
					if (viewers > 0) served.add(made.findLast((rung) => rung <= own));
				});
				expect(served).not.toContain(undefined); // somebody would get a rung above their own, or none
				expect([...served].sort()).toEqual(made.sort());
			}),
		);
	});

	/** What a set is worth and costs, rung by rung and viewer by viewer. */
	function worthOf(made: readonly number[], rungs: readonly Offered[], budget: number): number | null {
		const ladderOf = (rung: number) => rungs.slice(0, rung + 1).filter(({ isLowest }) => isLowest).length;
		let value = 0;
		const least = new Set<number>();
		for (const [own, { viewers }] of rungs.entries()) {
			if (viewers === 0) continue;
			least.add(ladderOf(own));
			const best = made.findLast((rung) => rung <= own && ladderOf(rung) === ladderOf(own));
			if (best === undefined) return null;
			value += viewers * rungs[best]!.value;
		}
		const cost = made.reduce((sum, rung) => sum + rungs[rung]!.cost, 0);
		if (cost > budget && made.length > least.size) return null;
		return Math.min(1, budget / cost) * value - 1e-6 * cost;
	}

	test("of two ladders it is the best of all sets of at most four", () => {
		fc.assert(
			fc.property(anyRungs, anyRungs, anyBudget, (jpeg, h264, budget) => {
				const rungs = [...jpeg.slice(0, 5), ...h264.slice(0, 5)];
				if (!rungs.some(({ viewers }) => viewers > 0)) return;
				const all = Array.from({ length: 2 ** rungs.length }, (_, set) =>
					rungs.map((_, i) => i).filter((i) => (set >> i) & 1),
				);
				const worths = all
					.filter(({ length }) => length > 0 && length <= 4)
					.map((made) => worthOf(made, rungs, budget) ?? Number.NEGATIVE_INFINITY);
				const chosen = bestSet(rungs, budget);
				const made = rungs.map((_, i) => i).filter((i) => (chosen >> i) & 1);
				expect(worthOf(made, rungs, budget)).toBeCloseTo(Math.max(...worths), 6);
			}),
			{ numRuns: 60 },
		);
	});

	test("two ladders on an uplink too small for one of each: the cheapest of each", () => {
		const jpeg = offered({ 8: 1 });
		const h264 = h264LadderFor({ width: 1280, height: 720 }).map(({ nominalBytes, ssim }, i) => ({
			viewers: i === 4 ? 1 : 0,
			cost: (nominalBytes * 30) / 1_000,
			value: pictureValue(ssim),
			isLowest: i === 0,
		}));
		const set = bestSet([...jpeg, ...h264], 100);
		expect([...Array(15).keys()].filter((i) => (set >> i) & 1)).toEqual([0, jpeg.length]);
	});

	test("more uplink is never worse", () => {
		fc.assert(
			fc.property(anyRungs, anyBudget, anyBudget, (rungs, one, other) => {
				const value = (budget: number) => {
					const set = bestSet(rungs, budget);
					let best = 0;
					const sum = rungs.reduce((total, rung, i) => {
						if ((set >> i) & 1) best = rung.value;
						return total + rung.viewers * best;
					}, 0);
					return Math.min(1, budget / costOf(set, rungs)) * sum;
				};
				expect(value(Math.max(one, other))).toBeGreaterThanOrEqual(value(Math.min(one, other)) - 0.01);
			}),
		);
	});
});

describe("RenditionSet", () => {
	test("is exactly what is wanted while there is room, at once with every wish", () => {
		const set = new RenditionSet();
		expect(rungsOf(set.update(0, mixed, null))).toEqual([1, 4, 6, 8]);
		expect(rungsOf(set.update(10, offered({ 8: 1, 4: 5 }), 20_000))).toEqual([4, 8]);
		expect(rungsOf(set.update(20, offered({ 8: 1, 5: 5 }), 20_000))).toEqual([5, 8]);
		expect(set.isLimited).toBe(false);
		expect(set.update(30, offered({}), 20_000)).toBe(0);
		expect(set.isLimited).toBe(false);
	});

	test("more than four wishes: four, without an uplink that is known to be a limit", () => {
		const set = new RenditionSet();
		expect(rungsOf(set.update(0, offered({ 0: 1, 2: 1, 4: 1, 5: 1, 6: 1, 8: 5 }), null))).toHaveLength(4);
		expect(set.isLimited).toBe(true);
	});

	test("far too much is cut at once, a little too much after half a second", () => {
		const set = new RenditionSet();
		set.update(0, mixed, null);
		expect(rungsOf(set.update(250, mixed, 2_000))).toEqual([1, 4]);
		expect(set.isLimited).toBe(true);

		const other = new RenditionSet();
		other.update(0, mixed, null);
		expect(rungsOf(other.update(250, mixed, 4_500))).toEqual([1, 4, 6, 8]); // 1.3 times the rate
		expect(rungsOf(other.update(500, mixed, 4_500))).toEqual([1, 4, 6, 8]);
		expect(rungsOf(other.update(750, mixed, 4_500))).toEqual([1, 4, 6]);
	});

	test("a moment's overload changes nothing", () => {
		const set = new RenditionSet();
		set.update(0, mixed, null);
		for (let now = 250; now < 10_000; now += 250) {
			const rate = now % 500 === 0 ? 4_500 : 5_500;
			expect(rungsOf(set.update(now, mixed, rate))).toEqual([1, 4, 6, 8]);
			expect(set.isLimited).toBe(false);
		}
	});

	test("grows again when there is room, not sooner than three seconds after the last change", () => {
		const set = new RenditionSet();
		set.update(0, mixed, 1_500);
		expect(rungsOf(set.set)).toEqual([1, 4]);
		expect(rungsOf(set.update(2_750, mixed, 10_000))).toEqual([1, 4]);
		expect(rungsOf(set.update(3_000, mixed, 10_000))).toEqual([1, 4, 6, 8]);
		expect(set.isLimited).toBe(false);
	});

	test("a rate that swings around what is wanted does not make it flap", () => {
		const set = new RenditionSet();
		let changes = 0;
		for (let now = 0; now < 60_000; now += 250) {
			const before = set.set;
			set.update(now, mixed, now % 1_000 < 500 ? 9_000 : 2_000);
			if (set.set !== before) changes++;
		}
		expect(changes).toBeLessThanOrEqual(41); // down at once and up after three seconds: twice in 3 s at most
	});

	test("one who would be left without gets something at once", () => {
		const set = new RenditionSet();
		set.update(0, offered({ 8: 3 }), 1_100);
		expect(rungsOf(set.set)).toEqual([4]);
		expect(rungsOf(set.update(250, offered({ 8: 3, 1: 1 }), 1_100))).toEqual([1, 3]);
	});

	test("what nobody gets any more is not made any more, though the uplink stays full", () => {
		const set = new RenditionSet();
		set.update(0, mixed, 1_500);
		expect(rungsOf(set.update(250, offered({ 8: 1, 6: 2 }), 1_500))).toEqual([4]);
		expect(set.isLimited).toBe(true);
	});

	test("a small gain is not worth a change", () => {
		const set = new RenditionSet();
		set.update(0, offered({ 8: 1, 7: 20 }), 2_400); // 6: 7 does not fit into 0.85 of it
		expect(rungsOf(set.set)).toEqual([6]);
		expect(rungsOf(set.update(10_000, offered({ 8: 1, 7: 20 }), 3_200))).toEqual([6]); // 7 would: 2 % better
	});

	test("whatever the wishes and the rate do, everybody gets one of at most four, not above their own", () => {
		const step = fc.record({
			passed: fc.nat(1_500),
			viewers: fc.dictionary(fc.nat(8).map(String), fc.integer({ min: 1, max: 9 })),
			budget: fc.option(fc.double({ min: 0, max: 10_000, noNaN: true })),
		});
		fc.assert(
			fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
				const set = new RenditionSet();
				let now = 0;
				for (const { passed, viewers, budget } of steps) {
					now += passed;
					const rungs = offered(viewers);
					const made = rungsOf(set.update(now, rungs, budget));
					expect(made.length).toBeLessThanOrEqual(4);
					const wanted = rungs.map((_, i) => i).filter((i) => rungs[i]!.viewers > 0);
					for (const own of wanted) expect(made.some((rung) => rung <= own)).toBe(true);
					expect(set.isLimited).toBe(wanted.some((own) => !made.includes(own)));
					if (budget !== null && made.length > 1)
						expect(costOf(set.set, rungs)).toBeLessThanOrEqual(2.5 * budget);
				}
			}),
		);
	});
});
