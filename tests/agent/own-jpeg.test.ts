import { describe, expect, test } from "bun:test";
import sharp from "sharp";
import { MAX_BODY_BYTES } from "#shared/frame.ts";
import { HUFFMAN_TABLES } from "../../agent/huffman-tables.ts";
import { ownJpeg } from "../../agent/own-jpeg.ts";

const NOISE = { type: "gaussian" as const, mean: 128, sigma: 40 };
const SIZE = { width: 160, height: 120 };
const TABLES_MARKER = Buffer.from("ffc4", "hex");

function picture() {
	return sharp({ create: { ...SIZE, channels: 3, background: "#808080", noise: NOISE } });
}

/** As a camera encodes: with the standard Huffman tables. */
const camera = await picture().jpeg({ quality: 85, optimiseCoding: false }).toBuffer();

/** The JPEG with one byte of its frame header changed; `offset` counts from the marker. */
function patched(jpeg: Buffer, offset: number, value: number): Buffer {
	const copy = Buffer.from(jpeg);
	copy[copy.indexOf(Buffer.from("ffc0", "hex")) + offset] = value;
	return copy;
}

function withoutTables(jpeg: Buffer): Buffer {
	let bytes = jpeg;
	for (let at = bytes.indexOf(TABLES_MARKER); at >= 0; at = bytes.indexOf(TABLES_MARKER)) {
		const end = at + 2 + bytes.readUInt16BE(at + 2);
		bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(end)]);
	}
	return bytes;
}

async function pixels(jpeg: Uint8Array): Promise<Buffer> {
	return await sharp(jpeg).raw().toBuffer();
}

describe("a camera's own JPEG", () => {
	test("is passed on byte for byte, with its size", () => {
		const own = ownJpeg(camera);
		expect(own).toMatchObject(SIZE);
		expect(camera.equals(own!.body)).toBe(true);
	});

	test("progressive and grey ones too", async () => {
		for (const jpeg of [
			await picture().jpeg({ progressive: true }).toBuffer(),
			await picture().greyscale().toColourspace("b-w").jpeg().toBuffer(),
		])
			expect(jpeg.equals(ownJpeg(jpeg)!.body)).toBe(true);
	});

	test("its quality is read off its tables, within one of libjpeg's own number", async () => {
		for (let quality = 25; quality <= 100; quality += 5) {
			const jpeg = await picture().jpeg({ quality }).toBuffer();
			expect(Math.abs(ownJpeg(jpeg)!.quality - quality)).toBeLessThanOrEqual(1);
		}
	});

	test("without Huffman tables it gets the standard ones, and is the same picture", async () => {
		const bare = withoutTables(camera);
		expect(bare.length).toBe(camera.length - HUFFMAN_TABLES.length);
		const { body } = ownJpeg(bare)!;
		expect(body.length).toBe(camera.length);
		expect((await pixels(body)).equals(await pixels(camera))).toBe(true);
	});

	test("padding after its end is cut off", () => {
		const { body } = ownJpeg(Buffer.concat([camera, Buffer.alloc(300)]))!;
		expect(camera.equals(body)).toBe(true);
	});

	test("what browsers do not show, or show differently, is not passed on", async () => {
		const progressive = await picture().jpeg({ progressive: true }).toBuffer();
		const refused: Record<string, Buffer> = {
			"12 bits a sample": patched(camera, 4, 12),
			"arithmetic coding": patched(camera, 1, 0xc9),
			"no picture's size": patched(camera, 7, 0xff),
			lossless: patched(camera, 1, 0xc3),
			"four components": await picture().toColourspace("cmyk").jpeg().toBuffer(),
			"turned by Exif": await picture().withMetadata({ orientation: 6 }).jpeg().toBuffer(),
			"progressive without its tables": withoutTables(progressive),
			"cut short": camera.subarray(0, 2000),
			"no JPEG": Buffer.alloc(2000, 0x55),
			nothing: Buffer.alloc(0),
		};
		for (const [name, jpeg] of Object.entries(refused))
			expect({ name, own: ownJpeg(jpeg) }).toEqual({ name, own: null });
	});

	test("one larger than the wire takes is not passed on", () => {
		const end = camera.length - 2;
		const ofSize = (bytes: number) =>
			Buffer.concat([
				camera.subarray(0, end),
				Buffer.alloc(bytes - camera.length, 0x11),
				camera.subarray(end),
			]);
		expect(ownJpeg(ofSize(MAX_BODY_BYTES))?.body.length).toBe(MAX_BODY_BYTES);
		expect(ownJpeg(ofSize(MAX_BODY_BYTES + 1))).toBeNull();
	});

	test("any bytes are read without a throw", () => {
		for (let cut = 0; cut < 700; cut++) {
			ownJpeg(Buffer.concat([camera.subarray(0, cut), Buffer.from("ffd9", "hex")]));
			ownJpeg(patched(camera, (cut * 7) % 300, cut & 255));
		}
	});
});
