import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Continuity } from "../../viewer/continuity.ts";

const delta = (seq: number, rendition = 204, epoch = 1) => ({ isKey: false, epoch, rendition, seq });
const key = (seq: number, rendition = 204, epoch = 1) => ({ isKey: true, epoch, rendition, seq });

describe("a frame may be decoded", () => {
	test.each([
		["nothing before a key", [delta(4), delta(5)], [false, false]],
		["a key, and what follows without a gap", [key(4), delta(5), delta(6)], [true, true, true]],
		[
			"nothing after a gap until a key",
			[key(4), delta(6), delta(7), key(8), delta(9)],
			[true, false, false, true, true],
		],
		["not twice", [key(4), delta(5), delta(5)], [true, true, false]],
		[
			"of another rendition or epoch only from its key",
			[key(4), delta(5, 202), delta(5, 204, 2)],
			[true, false, false],
		],
		["past the end of the numbers", [key(0xffff_ffff), delta(0)], [true, true]],
		["though a stray of another stream came between", [key(4), delta(9, 202), delta(5)], [true, false, true]],
	])("%s", (_, frames, may) => {
		const continuity = new Continuity();
		expect(frames.map((frame) => continuity.take(frame))).toEqual(may);
	});

	test("only if the one it builds on was taken just before, whatever is lost on the way", () => {
		const frame = fc.record({
			isKey: fc.boolean(),
			epoch: fc.integer({ min: 1, max: 2 }),
			rendition: fc.integer({ min: 200, max: 201 }),
			seq: fc.integer({ min: 0, max: 6 }),
		});
		fc.assert(
			fc.property(fc.array(frame), (frames) => {
				const continuity = new Continuity();
				const taken = frames.filter((one) => continuity.take(one));
				for (const [i, one] of taken.entries()) {
					const before = taken[i - 1];
					if (!one.isKey)
						expect(before).toMatchObject({ epoch: one.epoch, rendition: one.rendition, seq: one.seq - 1 });
				}
				expect(taken.filter(({ isKey }) => isKey)).toEqual(frames.filter(({ isKey }) => isKey));
			}),
		);
	});
});

test("after a break only a key helps", () => {
	const continuity = new Continuity();
	continuity.take(key(4));
	continuity.break();
	expect([continuity.take(delta(5)), continuity.take(key(6))]).toEqual([false, true]);
});
