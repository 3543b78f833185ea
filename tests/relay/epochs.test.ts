import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Epochs } from "../../relay/epochs.ts";

const DAY_MS = 86_400_000;

describe("the epochs of a camera", () => {
	test("never go back", () => {
		const epochs = new Epochs();
		expect([5, 4, 5, 6].map((epoch) => epochs.take(epoch, 0))).toEqual([true, false, true, true]);
		expect(epochs.newest).toBe(6);
	});

	test("may begin where an agent has come to that has run for long", () => {
		expect(new Epochs().greatest(0)).toBe(1_000_000);
	});

	test("of an agent that was away for a day, its source coming and going every second, are taken", () => {
		const epochs = new Epochs();
		epochs.take(1_000_000, 0);
		expect(epochs.greatest(DAY_MS)).toBeGreaterThan(1_000_000 + DAY_MS / 1_000);
	});

	test("cannot be driven to their end within ten years, whatever is sent", () => {
		fc.assert(
			fc.property(fc.array(fc.nat({ max: 60_000 }), { minLength: 1, maxLength: 200 }), (waits) => {
				const epochs = new Epochs();
				let now = 0;
				for (const waitMs of [...waits, 3_650 * DAY_MS]) {
					now += waitMs;
					epochs.take(epochs.greatest(now), now);
				}
				expect(epochs.newest).toBeLessThan(2 ** 32 - 1);
			}),
		);
		const epochs = new Epochs();
		for (let i = 0; i < 10_000; i++) epochs.take(epochs.greatest(1_000), 1_000);
		expect(epochs.newest).toBeLessThanOrEqual(1_001_000);
	});
});
