import { describe, expect, test } from "bun:test";
import { renditionName, renditionsFor } from "#shared/ladder.ts";
import { renditionFor, type Wanted } from "../../../relay/tools/rendition-choice.ts";

const HD = renditionsFor({ width: 1280, height: 720 });
const UHD = renditionsFor({ width: 3840, height: 2160 });
const any: Wanted = { width: null, height: null, quality: null };
const chosen = (renditions: typeof HD, wanted: Partial<Wanted>) => {
	const rendition = renditionFor(renditions, { ...any, ...wanted });
	return rendition && `${renditionName(rendition)} ${rendition.offer}`;
};

describe("the rendition for a wish", () => {
	test.each([
		[{}, "720p q80 ladder"],
		[{ height: 720 }, "720p q80 ladder"],
		[{ height: 300 }, "360p q60 ladder"],
		[{ height: 360 }, "360p q60 ladder"],
		[{ height: 361 }, "720p q80 ladder"],
		[{ width: 320 }, "180p q40 ladder"],
		[{ width: 321 }, "270p q35 ladder"],
		[{ width: 100, height: 300 }, "360p q60 ladder"],
		[{ width: 9999 }, "720p q80 ladder"],
		[{ quality: 55 }, "720p q55 request"],
		[{ quality: 52 }, "720p q50 ladder"],
		[{ quality: 50 }, "720p q50 ladder"],
		[{ height: 300, quality: 30 }, "360p q35 ladder"],
		[{ height: 300, quality: 95 }, "360p q60 ladder"],
	])("%o of a 720p camera is %s", (wanted, name) => {
		expect(chosen(HD, wanted)).toBe(name);
	});

	test("of a 2160p camera is the ladder's 1080p, its own size only with a quality", () => {
		expect(chosen(UHD, {})).toBe("1080p q60 ladder");
		expect(chosen(UHD, { height: 1200 })).toBe("1080p q60 ladder");
		expect(chosen(UHD, { quality: 70 })).toBe("2160p q70 request");
		expect(chosen(UHD, { height: 1080, quality: 70 })).toBe("1080p q60 ladder");
	});

	test("is nothing while the camera has told none", () => {
		expect(renditionFor([], any)).toBeNull();
	});
});
