import { describe, expect, test } from "bun:test";
import { renditionsFor } from "#shared/ladder.ts";
import { SceneSize } from "../../relay/delivery/scene-size.ts";
import { ViewerLadder } from "../../relay/delivery/viewer-ladder.ts";

const INTERVAL_MS = 1000 / 30;
const RENDITIONS = renditionsFor({ width: 1280, height: 720 });
const rendition = (id: number) => RENDITIONS.find((one) => one.id === id)!;

function ladder(codec: "jpeg" | "h264", renditions = RENDITIONS): ViewerLadder {
	const scene = new SceneSize();
	return new ViewerLadder(renditions, codec, (one, now) => ({
		bytes: scene.bytesOf(one, now, INTERVAL_MS),
		keyBytes: scene.keyBytesOf(one, now, INTERVAL_MS),
	}));
}
const idsOf = ({ renditions }: ViewerLadder) => renditions.map(({ id }) => id);

describe("a viewer's ladder", () => {
	test("is H.264 above the least JPEG where it decodes both, else JPEG alone", () => {
		expect(idsOf(ladder("h264"))).toEqual([0, 200, 201, 202, 203, 204]);
		expect(idsOf(ladder("jpeg"))).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8]);
		const jpegs = RENDITIONS.filter(({ codec }) => codec === "jpeg");
		expect(idsOf(ladder("h264", jpegs))).toEqual(idsOf(ladder("jpeg")));
	});

	test("begins by what the network carries, with at most 20 kB where only its first frames tell that", () => {
		const startOf = (codec: "jpeg" | "h264", carriedBytes: number, isRemembered: boolean) => {
			const one = ladder(codec);
			return one.renditions[one.startRung(0, { carriedBytes, isRemembered })]!.id;
		};
		expect(startOf("jpeg", 1_000_000, false)).toBe(3);
		expect(startOf("h264", 1_000_000, false)).toBe(202);
		expect(startOf("h264", 1_000, false)).toBe(0);
		expect(startOf("h264", 100_000, true)).toBe(204);
		expect(startOf("h264", 100, true)).toBe(0);
	});

	test.each([
		[null, 204],
		[2_000, 204],
		[600, 204],
		[500, 202],
		[100, 200],
	])("a window of %p lines is filled by rung %d, never by a JPEG that takes more", (maxLines, id) => {
		const one = ladder("h264");
		expect(one.renditions[one.capFor(maxLines)]!.id).toBe(id);
	});

	test("keeps a place where the ladder gets other rungs", () => {
		const small = ladder("h264", renditionsFor({ width: 640, height: 480 }));
		expect(idsOf(small)).not.toContain(202);
		expect(small.renditions[small.indexOf(202)]!.id).toBe(201);
	});
});

describe("what frames take", () => {
	test("keys say nothing of the frames between them", () => {
		const scene = new SceneSize();
		const size = () => scene.bytesOf(rendition(204), 1_000, INTERVAL_MS);
		scene.add(rendition(204), { bytes: 5_000, isKey: false }, 1_000);
		const before = size();
		scene.add(rendition(204), { bytes: 60_000, isKey: true }, 1_000);
		expect(size()).toBe(before);
		expect(scene.keyBytesOf(rendition(204), 1_000, INTERVAL_MS)).toBe(60_000);
	});

	test("of one codec they tell of its other rungs, not of the other codec's", () => {
		const scene = new SceneSize();
		for (let now = 0; now < 3_000; now += 33)
			scene.add(rendition(203), { bytes: rendition(203).nominalBytes / 2, isKey: false }, now);
		const share = (id: number) =>
			scene.bytesOf(rendition(id), 3_000, INTERVAL_MS) / rendition(id).nominalBytes;
		expect(share(202)).toBeCloseTo(0.5, 2);
		expect(share(3)).toBe(1);
	});

	test("a rung that was not made lately takes no more than it is capped at", () => {
		const scene = new SceneSize();
		for (let now = 0; now < 3_000; now += 33) scene.add(rendition(203), { bytes: 50_000, isKey: false }, now);
		expect(scene.bytesOf(rendition(204), 3_000, INTERVAL_MS)).toBeCloseTo(3_000_000 / 8 / 30, 0);
	});
});
