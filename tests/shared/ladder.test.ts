import { expect, test } from "bun:test";
import fc from "fast-check";
import { ladderFor, qualityId, renditionName, renditionsFor } from "#shared/ladder.ts";

const anySize = fc.record({
	width: fc.integer({ min: 16, max: 7680 }),
	height: fc.integer({ min: 16, max: 4320 }),
});

test("the ladder of 720p and 1080p is the measured one", () => {
	const names = (width: number, height: number) => ladderFor({ width, height }).map(renditionName);
	expect(names(1280, 720)).toEqual([
		"180p q40",
		"270p q35",
		"360p q35",
		"360p q60",
		"720p q20",
		"720p q30",
		"720p q50",
		"720p q70",
		"720p q80",
	]);
	expect(names(1920, 1080)).toHaveLength(10);
	expect(names(1920, 1080).at(-1)).toBe("1080p q60");
});

test("for any source the rungs grow in cost and size, none is larger than the source, ids are unique", () => {
	fc.assert(
		fc.property(anySize, (source) => {
			const ladder = ladderFor(source);
			expect(ladder.length).toBeGreaterThanOrEqual(5);
			ladder.forEach((rung, i) => {
				expect(rung.id).toBe(i);
				expect(rung.width).toBeLessThanOrEqual(source.width);
				expect(rung.height).toBeLessThanOrEqual(source.height);
				expect(rung.width).toBeGreaterThan(0);
				const below = ladder[i - 1];
				if (!below) return;
				expect(rung.width * rung.height).toBeGreaterThanOrEqual(below.width * below.height);
				expect(rung.nominalBytes).toBeGreaterThan(below.nominalBytes);
			});
			const ids = renditionsFor(source).map(({ id }) => id);
			expect(new Set(ids).size).toBe(ids.length);
		}),
	);
});

test("a tall picture is measured by its short side", () => {
	expect(ladderFor({ width: 720, height: 1280 })[0]).toMatchObject({ width: 180, height: 320 });
});

test("a 4K source's ladder ends at 1080 lines; its own size is made on request", () => {
	const renditions = renditionsFor({ width: 3840, height: 2160 });
	expect(renditions.filter(({ offer }) => offer === "ladder").at(-1)).toMatchObject({
		width: 1920,
		height: 1080,
	});
	expect(renditions.find(({ id }) => id === qualityId(95))).toMatchObject({ width: 3840, quality: 95 });
});

test("each of ReRo-CCTV's qualities is a full-size rendition, others map to the nearest step of five", () => {
	const byId = new Map(
		renditionsFor({ width: 640, height: 480 }).map((rendition) => [rendition.id, rendition]),
	);
	for (let quality = 30; quality <= 95; quality++) {
		const made = byId.get(qualityId(quality));
		expect(Math.abs(made!.quality - quality)).toBeLessThanOrEqual(2);
		expect(made).toMatchObject({ width: 640, height: 480, offer: "request" });
	}
});
