import { expect, test } from "bun:test";
import fc from "fast-check";
import {
	h264LadderFor,
	isOwn,
	type JpegRendition,
	ladderFor,
	ladderOf,
	ladderWithOwn,
	qualityId,
	renditionName,
	renditionsFor,
} from "#shared/ladder.ts";
import { checkRenditions } from "../../relay/frame-check.ts";

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

test("the H.264 ladder is cut to the source, and a rung keeps its id", () => {
	const ladder = (width: number, height: number) =>
		h264LadderFor({ width, height }).map((rung) => `${rung.id} ${renditionName(rung)}`);
	expect(ladder(1280, 720)).toEqual([
		"200 240p H.264 200 kbit/s",
		"201 360p H.264 500 kbit/s",
		"202 540p H.264 1 Mbit/s",
		"203 720p H.264 1.5 Mbit/s",
		"204 720p H.264 3 Mbit/s",
	]);
	expect(ladder(1920, 1080)).toEqual([...ladder(1280, 720), "205 1080p H.264 5 Mbit/s"]);
	expect(ladder(3840, 2160)).toEqual(ladder(1920, 1080));
	expect(ladder(640, 480)).toEqual([
		"200 240p H.264 160 kbit/s",
		"201 360p H.264 400 kbit/s",
		"203 480p H.264 640 kbit/s",
		"204 480p H.264 1.3 Mbit/s",
	]);
	expect(h264LadderFor({ width: 720, height: 1280 })[0]).toMatchObject({ width: 240, height: 426 });
});

test("for any source H.264 rungs grow in cost, their sides are even and no longer than the source's", () => {
	fc.assert(
		fc.property(anySize, (source) => {
			const ladder = h264LadderFor(source);
			expect(ladder.length).toBeGreaterThanOrEqual(2);
			expect(ladderOf(renditionsFor(source), "h264")).toEqual(ladder);
			ladder.forEach((rung, i) => {
				expect(rung.width % 2 === 0 && rung.width > 0 && rung.width <= source.width).toBe(true);
				expect(rung.height % 2 === 0 && rung.height > 0 && rung.height <= source.height).toBe(true);
				const below = ladder[i - 1];
				if (!below) return;
				for (const field of ["id", "maxBps", "nominalBytes", "ssim"] as const)
					expect(rung[field]).toBeGreaterThan(below[field]);
				expect(rung.width * rung.height).toBeGreaterThanOrEqual(below.width * below.height);
			});
		}),
	);
});

test("a camera's own JPEGs are the top rung, in place of what costs about as much", () => {
	const names = (width: number, height: number, quality: number) =>
		ladderWithOwn({ width, height }, quality).map(renditionName);
	const hd = ladderFor({ width: 1280, height: 720 }).map(renditionName);
	expect(names(1280, 720, 95)).toEqual([...hd, "720p original"]);
	expect(names(1280, 720, 85)).toEqual([...hd.slice(0, -2), "720p original"]);
	expect(names(1280, 720, 50)).toEqual([...hd.slice(0, 5), "720p original"]);
	expect(ladderWithOwn({ width: 1280, height: 720 }, 85).at(-1)).toMatchObject({
		quality: 85,
		nominalBytes: 133_300,
	});
	expect(names(3840, 2160, 85)).toEqual(ladderFor({ width: 3840, height: 2160 }).map(renditionName));
});

test("for any source and quality of its own JPEGs the rungs grow in cost, and a relay takes them", () => {
	fc.assert(
		fc.property(anySize, fc.integer({ min: 1, max: 100 }), (source, quality) => {
			const renditions = renditionsFor(source, quality);
			const ladder = ladderOf(renditions, "jpeg");
			ladder.forEach((rung, i) => {
				if (i > 0) expect(rung.nominalBytes).toBeGreaterThan(ladder[i - 1]!.nominalBytes);
			});
			expect(ladder.slice(0, -1).some(isOwn)).toBe(false);
			checkRenditions(renditions);
		}),
	);
});

test("a ladder is one codec's; what is made on request belongs to none", () => {
	const renditions = renditionsFor({ width: 1280, height: 720 });
	expect(ladderOf(renditions, "jpeg")).toEqual(ladderFor({ width: 1280, height: 720 }));
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
		expect(Math.abs((made as JpegRendition).quality - quality)).toBeLessThanOrEqual(2);
		expect(made).toMatchObject({ width: 640, height: 480, offer: "request" });
	}
});
