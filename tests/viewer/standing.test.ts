import { expect, test } from "bun:test";
import { renditionsFor } from "#shared/ladder.ts";
import type { Choice } from "#shared/protocol.ts";
import { rateOf } from "../../viewer/rendition-rate.ts";
import { follow, limitOf, type Standing } from "../../viewer/standing.ts";

const renditions = renditionsFor({ width: 1280, height: 720 });
const renditionsOf = () => renditions;
const choice = (rendition: number, more: Partial<Choice> = {}): Choice => ({
	id: "bench",
	rendition,
	limit: "none",
	change: "network",
	...more,
});

test("a change has its time, its reason and its direction, and keeps them until the next one", () => {
	let standings: Record<string, Standing> = {};
	const say = (now: number, ...choices: Choice[]) => {
		standings = follow(standings, choices, { now, renditionsOf });
		return standings.bench;
	};
	expect(say(1, choice(4, { change: "joined" }))).toMatchObject({ changeTime: 1, direction: null });
	expect(say(2, choice(2, { limit: "network" }))).toMatchObject({ changeTime: 2, direction: "down" });
	expect(say(3, choice(2, { limit: "uplink" }))).toMatchObject({
		changeTime: 2,
		limit: "uplink",
		change: "network",
	});
	expect(say(4, choice(195, { change: "choice" }))).toMatchObject({ changeTime: 4, direction: "up" });
	expect(say(5)).toBeUndefined();
	expect(say(6, choice(3, { change: "joined" }))).toMatchObject({ changeTime: 6, direction: null });
});

test("where renditions cannot be compared there is a change without a direction", () => {
	const before = follow({}, [choice(4)], { now: 1, renditionsOf: () => [] });
	const after = follow(before, [choice(2)], { now: 2, renditionsOf: () => [] });
	expect(after.bench).toMatchObject({ changeTime: 2, direction: null });
});

test("where the browser asked for fewer lines than fit, it is the limit, not the window", () => {
	const standing = (limit: Choice["limit"]) =>
		follow({}, [choice(4, { limit })], { now: 1, renditionsOf }).bench;
	expect(limitOf(undefined, 360)).toBeNull();
	expect(limitOf(standing("window"), null)).toBe("window");
	expect(limitOf(standing("window"), 360)).toBe("browser");
	expect(limitOf(standing("network"), 360)).toBe("network");
});

test("what other renditions would take follows the scene on screen", () => {
	const [low, , , , , high] = renditions;
	const shown = { rendition: high, bitsPerSecond: 30 * 8 * 12_000, framesPerSecond: 30 };
	expect(rateOf(high!, shown, 30)).toBe(shown.bitsPerSecond);
	const easier = 12_000 / high!.nominalBytes;
	expect(rateOf(low!, shown, 30)).toBeCloseTo(30 * 8 * low!.nominalBytes * easier);
	expect(rateOf(low!, { ...shown, framesPerSecond: 0 }, 10)).toBe(10 * 8 * low!.nominalBytes);
	expect(rateOf(low!, { ...shown, rendition: undefined }, null)).toBe(30 * 8 * low!.nominalBytes);
});
