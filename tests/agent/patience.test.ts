import { expect, test } from "bun:test";
import { Patience } from "../../agent/patience.ts";

const MOST_MS = 5_000;

/** What is left after packets at this pace. */
function after(intervalMs: number, seconds: number, patience = new Patience(MOST_MS), from = 0): Patience {
	for (let now = from; now <= from + seconds * 1000; now += intervalMs) patience.heard(now);
	return patience;
}

test("a pace that is not known yet has the whole limit", () => {
	expect(new Patience(MOST_MS).ms).toBe(MOST_MS);
	expect(after(40, 4).ms).toBe(MOST_MS);
});

test.each([
	[40, 2_000],
	[500, 2_000],
	[1_000, 3_000],
	[3_000, 5_000],
])("a packet every %d ms: %d ms of silence are put up with", (intervalMs, ms) => {
	expect(after(intervalMs, 12).ms).toBe(ms);
});

test("a camera that turns slow is given the time, one that turns quick no longer", () => {
	const patience = after(40, 10);
	after(1_500, 6, patience, 11_500);
	expect(patience.ms).toBe(4_500);
	after(40, 25, patience, 18_000);
	expect(patience.ms).toBe(2_000);
});

test("a limit below two seconds stays the limit", () => {
	expect(after(40, 12, new Patience(300)).ms).toBe(300);
});
