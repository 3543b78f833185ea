import { describe, expect, test } from "bun:test";
import { freshnessOf, staleAfterMs, type TileInput, tileState } from "../../viewer/tile-state.ts";

const NOW = 1_000_000;

function input(more: Partial<Omit<TileInput, "camera" | "stats">> = {}): TileInput {
	return {
		camera: { state: "live", reason: null, detail: null, since: NOW - 60_000 },
		stats: { presentationTime: NOW - 20, watchedTime: NOW - 30_000, intervalMs: 33, ageMs: 42 },
		offsetMs: 0,
		roundTripTime: 10,
		now: NOW,
		...more,
	};
}
const base = input();
const stats = base.stats!;

describe("when a picture is stale", () => {
	test("after three intervals and two round trips, never before half a second", () => {
		expect(staleAfterMs(33, 10)).toBe(500);
		expect(staleAfterMs(200, 50)).toBe(700);
		expect(staleAfterMs(1_000, null)).toBe(3_000);
		expect(staleAfterMs(null, null)).toBe(3_000);
	});

	test("a camera of one frame a second is live between its frames", () => {
		const slow = { ...stats, intervalMs: 1_000, presentationTime: NOW - 2_900 };
		expect(tileState({ ...base, stats: slow }).is).toBe("live");
		expect(tileState({ ...base, stats: { ...slow, presentationTime: NOW - 3_100 } })).toEqual({
			is: "frozen",
			since: NOW - 3_100,
		});
	});
});

test("age has the thresholds people feel", () => {
	expect([0, 99.9, 100, 249.9, 250].map(freshnessOf)).toEqual([
		"calm",
		"calm",
		"noticeable",
		"noticeable",
		"late",
	]);
	expect(tileState(base)).toEqual({ is: "live", ageMs: 42, freshness: "calm" });
});

describe("what a tile shows", () => {
	test("nothing is said about a camera nobody asked for", () => {
		expect(tileState({ ...base, stats: undefined }).is).toBe("paused");
		expect(tileState({ ...base, stats: { ...stats, watchedTime: null } }).is).toBe("paused");
	});

	test("an old picture of a camera just asked for again is opening, not live and not frozen", () => {
		const back = { ...stats, presentationTime: NOW - 9_000, watchedTime: NOW - 100 };
		expect(tileState({ ...base, stats: back }).is).toBe("opening");
		expect(tileState({ ...base, stats: { ...back, watchedTime: NOW - 2_100 } }).is).toBe("frozen");
	});

	test("a first picture that takes long is still opening, and said to take long", () => {
		const none = { ...stats, presentationTime: null, watchedTime: NOW - 1_000 };
		expect(tileState({ ...base, stats: none })).toEqual({
			is: "opening",
			since: NOW - 1_000,
			isLong: false,
		});
		expect(tileState({ ...base, stats: { ...none, watchedTime: NOW - 5_000 } })).toMatchObject({
			is: "opening",
			isLong: true,
		});
	});

	test("an offline camera is offline whatever is on screen; its time is told in this machine's clock", () => {
		const camera = { state: "offline", reason: "agent-gone", detail: null, since: NOW + 3_600_000 } as const;
		expect(tileState({ ...base, camera, offsetMs: 3_600_500 })).toEqual({
			is: "offline",
			since: NOW - 500,
			reason: "agent-gone",
			detail: null,
		});
	});

	test("a camera that is being opened shows the last picture until it is stale, then why", () => {
		const camera = { state: "connecting", reason: "opening", detail: null, since: NOW - 900 } as const;
		expect(tileState({ ...base, camera }).is).toBe("live");
		const stale = { ...stats, presentationTime: NOW - 800 };
		expect(tileState({ ...base, camera, stats: stale })).toMatchObject({
			is: "connecting",
			reason: "opening",
		});
	});
});
