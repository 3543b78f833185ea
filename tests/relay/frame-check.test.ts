import { describe, expect, test } from "bun:test";
import type { FrameHeader } from "#shared/frame.ts";
import { renditionsFor } from "#shared/ladder.ts";
import { isRandomAccess } from "../../relay/avc-unit.ts";
import { checkRenditions, faultOf } from "../../relay/frame-check.ts";
import { avcConfig } from "../support/avc-config.ts";
import { relayedFrame } from "../support/relayed-frame.ts";

const RENDITIONS = renditionsFor({ width: 1280, height: 720 });
const HD = { width: 1280, height: 720 };
const CONFIG = avcConfig(HD);
const SEI = [6, 5, 1];
const IDR = [0x65, 1, 2, 3];
const SLICE = [0x41, 9];

/** An access unit of these NAL units. */
function unit(...nals: number[][]): Uint8Array {
	return Uint8Array.from(nals.flatMap((nal) => [0, 0, 0, nal.length, ...nal]));
}

describe("an access unit", () => {
	test.each([
		["of an IDR picture", unit(IDR), true],
		["of an IDR picture in two slices behind an SEI", unit(SEI, IDR, IDR), true],
		["of another picture", unit(SEI, SLICE), false],
		["without a picture", unit(SEI), null],
		["of both kinds", unit(IDR, SLICE), null],
		["that is empty", unit(), null],
		["with a sequence parameter set", unit([0x67, 66, 0, 31], IDR), null],
		["with a picture parameter set", unit([0x68, 0xce], SLICE), null],
		["with an empty unit", unit([], IDR), null],
		["cut short", unit(SLICE).subarray(0, -1), null],
		["with a byte too many", Uint8Array.from([...unit(SLICE), 0]), null],
		["with start codes instead of lengths", Uint8Array.from([0, 0, 0, 1, ...IDR]), null],
	])("%s", (_, bytes, expected) => {
		expect(isRandomAccess(bytes)).toBe(expected);
	});

	test("with a length beyond 2^31 is none", () => {
		expect(isRandomAccess(Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x65, 0))).toBeNull();
	});
});

describe("a frame of H.264", () => {
	const fault = (change: Partial<FrameHeader>, body = unit(SLICE)) =>
		faultOf({ ...relayedFrame({}).header, ...change }, body, { renditions: RENDITIONS, maxEpoch: 1_000 })
			?.message ?? null;

	test("that is what its header says is passed on", () => {
		expect(fault({})).toBeNull();
		expect(fault({ isKey: true, config: CONFIG }, unit(IDR))).toBeNull();
	});

	test.each([
		["a key without a config", { isKey: true }, unit(IDR), "config"],
		["another with one", { config: CONFIG }, unit(SLICE), "config"],
		["a config that is no avcC record", { isKey: true, config: CONFIG.with(0, 2) }, unit(IDR), "avcC"],
		["a config cut short", { isKey: true, config: CONFIG.subarray(0, 6) }, unit(IDR), "avcC"],
		["a config without a parameter set", { isKey: true, config: CONFIG.with(5, 0xe0) }, unit(IDR), "avcC"],
		[
			"a config of a larger picture",
			{ isKey: true, config: avcConfig({ width: 16_384, height: 16_384 }) },
			unit(IDR),
			"config of 16384x16384, its header says 1280x720",
		],
		[
			"a config of a larger picture cropped to what its header says",
			{ isKey: true, config: avcConfig(HD, { width: 16_384, height: 720 }) },
			unit(IDR),
			"16384x720 coded for 1280x720",
		],
		["a key that is no IDR picture", { isKey: true, config: CONFIG }, unit(SLICE), "without an IDR"],
		["an IDR picture that is no key", {}, unit(IDR), "no key"],
		["no access unit", {}, Uint8Array.of(1, 2, 3), "access unit"],
		["in a JPEG rendition", { rendition: 3 }, unit(SLICE), "codec h264 in a rendition of codec jpeg"],
		["of a JPEG in its rendition", { codec: "jpeg" as const }, unit(SLICE), "codec jpeg"],
		["larger than its rendition", { width: 1282 }, unit(SLICE), "1282x720"],
		["of a wild epoch", { epoch: 1_001 }, unit(SLICE), "epoch"],
	])("%s is refused", (_, change, body, words) => {
		expect(fault(change, body)).toContain(words);
	});
});

test("a JPEG that says it is no key is refused", () => {
	const { header } = relayedFrame({ rendition: 3, codec: "jpeg", width: 64, height: 48 });
	expect(faultOf(header, new Uint8Array(9), { renditions: RENDITIONS, maxEpoch: 1_000 })?.message).toContain(
		"JPEG is a key",
	);
});

describe("the ladders of a camera", () => {
	const with204 = (change: object) => RENDITIONS.map((one) => (one.id === 204 ? { ...one, ...change } : one));

	test("are taken as the agent makes them, also with rungs left out", () => {
		expect(() => checkRenditions(RENDITIONS)).not.toThrow();
		expect(() => checkRenditions(RENDITIONS.filter(({ id }) => id !== 201))).not.toThrow();
	});

	test.each([
		["an H.264 rung where JPEG's are", with204({ id: 77 })],
		["H.264 rungs out of order", RENDITIONS.toReversed()],
		["an id twice", with204({ id: 203 })],
		[
			"more H.264 rungs than a choice can look at",
			Array.from({ length: 9 }, (_, i) => ({ ...RENDITIONS.find(({ id }) => id === 204)!, id: 200 + i })),
		],
	])("with %s are refused", (_, renditions) => {
		expect(() => checkRenditions(renditions)).toThrow("camera.renditions");
	});
});
