import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { FFmpegError, FormatContext } from "node-av";
import { avcCodecString } from "#shared/avc.ts";
import { avcRecord, isKeySlice, isSlice, lengthPrefixed, nalUnits } from "../../agent/avcc.ts";
import { makeClip } from "../support/clip.ts";
import { H264Pictures } from "../support/h264-pictures.ts";

const hex = (text: string) => Uint8Array.fromHex(text.replaceAll(" ", ""));
const hexOf = (units: readonly Uint8Array[]) => units.map((unit) => unit.toHex());

test.each([
	["nothing", "", []],
	["no start code", "0102030405", []],
	["short and long start codes", "000001 6742 00000001 68ce 000001 65", ["6742", "68ce", "65"]],
	["zeros after a unit", "00000001 0980 0000 00000001 41 0000", ["0980", "41"]],
	["bytes before the first start code", "ff 000001 41", ["41"]],
	["an empty unit", "000001 000001 41", ["41"]],
	["emulation prevention, which stays", "000001 41 0000 03 01", ["4100000301"]],
])("NAL units of %s", (_, stream, units) => {
	expect(hexOf(nalUnits(hex(stream)))).toEqual(units);
});

test("any units written as Annex B are found again, and after their lengths in an access unit", () => {
	// A unit holds no start code, is not empty and ends in its stop bit, never in a zero.
	const unit = fc
		.uint8Array({ minLength: 1, maxLength: 50 })
		.map((bytes) => bytes.map((byte) => Math.max(1, byte)));
	const startCode = fc.constantFrom("000001", "00000001");
	fc.assert(
		fc.property(fc.array(fc.tuple(startCode, unit)), (written) => {
			const stream = hex(written.map(([code, bytes]) => code + bytes.toHex()).join(""));
			const units = nalUnits(stream);
			expect(hexOf(units)).toEqual(written.map(([, bytes]) => bytes.toHex()));
			const body = lengthPrefixed(units);
			let at = 0;
			for (const [, bytes] of written) {
				expect(new DataView(body.buffer).getUint32(at)).toBe(bytes.length);
				at += 4 + bytes.length;
			}
			expect(at).toBe(body.length);
		}),
	);
});

test("slices are told from what is said about them", () => {
	const kinds = ["09", "67", "68", "06", "65", "41", "01", "0c"].map(hex);
	expect(kinds.map(isSlice)).toEqual([false, false, false, false, true, true, true, false]);
	expect(kinds.map(isKeySlice)).toEqual([false, false, false, false, true, false, false, false]);
});

test.each([
	["baseline", ["6742c01fda", "68ce3c80"], "0142c01f ffe1 0005 6742c01fda 01 0004 68ce3c80", "avc1.42c01f"],
	[
		"high, 4:2:0, 8 bits",
		["67640028ac", "68ee"],
		"01640028 ffe1 0005 67640028ac 01 0002 68ee fdf8f800",
		"avc1.640028",
	],
	[
		"high 4:2:2, 10 bits",
		["677a0028b6d0", "68ee"],
		"017a0028 ffe1 0006 677a0028b6d0 01 0002 68ee fefafa00",
		"avc1.7a0028",
	],
	[
		"two picture sets, an AUD",
		["0910", "6742c01fda", "68aa", "68bb"],
		"0142c01f ffe1 0005 6742c01fda 02 0002 68aa 0002 68bb",
		"avc1.42c01f",
	],
])("avcC of %s", (_, units, record, codec) => {
	const made = avcRecord(units.map(hex));
	expect(made?.toHex()).toBe(record.replaceAll(" ", ""));
	expect(avcCodecString(made!)).toBe(codec);
});

test("without both parameter sets there is no avcC", () => {
	expect(avcRecord([hex("68ce3c80"), hex("65")])).toBeNull();
	expect(avcRecord([hex("6742c01fda"), hex("65")])).toBeNull();
	expect(avcRecord([hex("6742"), hex("68ce3c80")])).toBeNull();
});

test("of a real stream it is, byte for byte, the avcC FFmpeg writes into an MP4", async () => {
	const folder = await mkdtemp(join(tmpdir(), "avcc-"));
	try {
		const format = { width: 320, height: 180, framesPerSecond: 10 };
		const path = join(folder, "clip.mp4");
		await makeClip(path, { ...format, seconds: 1, codec: "h264" });
		const input = new FormatContext();
		FFmpegError.throwIfError(await input.openInput(path), "open");
		const written = input.streams[0]?.codecpar.extradata;
		await input.closeInput();
		using pictures = await H264Pictures.open(format);
		const made = avcRecord(nalUnits(await pictures.next(0, "key")));
		expect(made?.toHex()).toBe(written?.toHex() ?? "nothing");
	} finally {
		await rm(folder, { recursive: true });
	}
});
