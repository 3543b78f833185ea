import { expect, test } from "bun:test";
import fc from "fast-check";
import { CameraDemand } from "../../relay/delivery/demand.ts";

test("a rendition is demanded at once and for 2 s after its last subscriber left", () => {
	const demand = new CameraDemand();
	demand.add(4);
	demand.add(4);
	demand.remove(4, 100);
	expect(demand.renditions(100)).toEqual([4]);
	demand.remove(4, 1000);
	expect(demand.renditions(2999)).toEqual([4]);
	expect(demand.renditions(3000)).toEqual([]);
});

test("whoever comes back within the linger finds it running, and a later end lingers anew", () => {
	const demand = new CameraDemand();
	demand.add(4);
	demand.remove(4, 0);
	demand.add(4);
	expect(demand.renditions(10_000)).toEqual([4]);
	demand.remove(4, 10_000);
	expect(demand.renditions(11_999)).toEqual([4]);
});

test("removing a subscriber that was never added is a fault, not a negative count", () => {
	expect(() => new CameraDemand().remove(1, 0)).toThrow("no subscriber");
});

test("after any coming and going the counts are exact and, past the linger, the set is what has subscribers", () => {
	const step = fc.record({ rendition: fc.nat(5), isAdd: fc.boolean(), waitMs: fc.nat(3000) });
	fc.assert(
		fc.property(fc.array(step), (steps) => {
			const demand = new CameraDemand();
			const truth = new Map<number, number>();
			let now = 0;
			for (const { rendition, isAdd, waitMs } of steps) {
				now += waitMs;
				const count = truth.get(rendition) ?? 0;
				if (isAdd) demand.add(rendition);
				else if (count > 0) demand.remove(rendition, now);
				truth.set(rendition, isAdd ? count + 1 : Math.max(0, count - 1));
				for (const [id, expected] of truth) {
					expect(demand.countOf(id)).toBe(expected);
					if (expected > 0) expect(demand.renditions(now)).toContain(id);
				}
			}
			const watched = [...truth].filter(([, count]) => count > 0).map(([id]) => id);
			expect(demand.renditions(now + 2000)).toEqual(watched.sort((a, b) => a - b));
		}),
	);
});
