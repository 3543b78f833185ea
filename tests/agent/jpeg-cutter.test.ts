import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import sharp from "sharp";
import { JpegCutter } from "../../agent/jpeg-cutter.ts";
import { jpegSize } from "../../agent/jpeg-header.ts";

const pictures = await Promise.all(
	[
		{ width: 64, height: 48, progressive: false },
		{ width: 33, height: 90, progressive: true },
		{ width: 200, height: 10, progressive: false },
	].map(({ width, height, progressive }) =>
		sharp({
			create: { width, height, channels: 3, background: "#808080", noise: { type: "gaussian", sigma: 60 } },
		})
			.jpeg({ progressive, quality: 90 })
			.withMetadata({ exif: { IFD0: { Software: "x".repeat(300) } } })
			.toBuffer(),
	),
);

/** One part of a multipart stream, with whatever is said about its length. */
function part(jpeg: Buffer, length: number | null): Buffer {
	const header = length === null ? "" : `Content-Length: ${length}\r\n`;
	return Buffer.concat([
		Buffer.from(`--boundary\r\nContent-Type: image/jpeg\r\n${header}\r\n`),
		jpeg,
		Buffer.from("\r\n"),
	]);
}

function cut(stream: Buffer, chunkSizes: readonly number[]): { cutter: JpegCutter; jpegs: Buffer[] } {
	const cutter = new JpegCutter();
	const jpegs: Buffer[] = [];
	for (let at = 0, i = 0; at < stream.length; i++) {
		const size = chunkSizes[i % chunkSizes.length] ?? 1;
		jpegs.push(...cutter.push(stream.subarray(at, at + size)));
		at += size;
	}
	return { cutter, jpegs };
}

const lengths = fc.constantFrom<"right" | "none" | "zero" | "short" | "withTail" | "huge">(
	"right",
	"none",
	"zero",
	"short",
	"withTail",
	"huge",
);

describe("JPEG cutter", () => {
	test("finds every picture whole, however the stream is chopped and whatever is said of lengths", () => {
		const parts = fc.array(fc.record({ picture: fc.nat(2), length: lengths }), {
			minLength: 1,
			maxLength: 6,
		});
		const chunks = fc.array(fc.integer({ min: 1, max: 3000 }), { minLength: 1, maxLength: 8 });
		fc.assert(
			fc.property(parts, chunks, (stream, chunkSizes) => {
				const sent = stream.map(({ picture, length }) => {
					const jpeg = pictures[picture] ?? Buffer.alloc(0);
					const said = {
						right: jpeg.length,
						none: null,
						zero: 0,
						short: 20,
						withTail: jpeg.length + 2,
						huge: 2 ** 40,
					};
					return { jpeg, bytes: part(jpeg, said[length]) };
				});
				const { jpegs } = cut(Buffer.concat(sent.map(({ bytes }) => bytes)), chunkSizes);
				expect(jpegs.map((jpeg) => jpeg.length)).toEqual(sent.map(({ jpeg }) => jpeg.length));
				for (const [i, jpeg] of jpegs.entries())
					expect(jpeg.equals(sent[i]?.jpeg ?? Buffer.alloc(0))).toBe(true);
			}),
			{ numRuns: 200 },
		);
	});

	test("a picture is out with its last byte, not with the next boundary", () => {
		const [jpeg = Buffer.alloc(0)] = pictures;
		for (const length of [null, jpeg.length]) {
			const stream = part(jpeg, length);
			expect(new JpegCutter().push(stream.subarray(0, -2))).toHaveLength(1);
			expect(new JpegCutter().push(stream.subarray(0, -3))).toHaveLength(0);
		}
	});

	test("drops a picture cut short and keeps the next", () => {
		const [first = Buffer.alloc(0), second = Buffer.alloc(0)] = pictures;
		const { cutter, jpegs } = cut(
			Buffer.concat([part(first.subarray(0, -200), null), part(second, null)]),
			[512],
		);
		expect(jpegs.map((jpeg) => jpeg.equals(second))).toEqual([true]);
		expect(cutter.broken).toBe(1);
	});

	test("keeps the bytes bounded and finds the picture after 40 MB of garbage", () => {
		const [jpeg = Buffer.alloc(0)] = pictures;
		const cutter = new JpegCutter();
		const garbage = Buffer.alloc(1024 * 1024);
		for (let i = 0; i < garbage.length; i++) garbage[i] = (i * 2654435761) >>> 24;
		// A start marker, then a scan that never ends.
		const endless = Buffer.concat([Buffer.from("ffd8ffda0002", "hex"), Buffer.alloc(1024 * 1024, 0x11)]);
		for (let i = 0; i < 20; i++) cutter.push(garbage);
		for (let i = 0; i < 20; i++) cutter.push(i === 0 ? endless : endless.subarray(6));
		expect(cutter.push(part(jpeg, jpeg.length)).map((found) => found.equals(jpeg))).toEqual([true]);
	});
});

describe("jpegSize", () => {
	test("reads what sharp wrote", () => {
		expect(pictures.map(jpegSize)).toEqual([
			{ width: 64, height: 48 },
			{ width: 33, height: 90 },
			{ width: 200, height: 10 },
		]);
	});

	test("is null, never an error, for anything else", () => {
		expect(jpegSize(new Uint8Array())).toBeNull();
		expect(jpegSize(Buffer.from("ffd8ffd9", "hex"))).toBeNull();
		fc.assert(
			fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => {
				const size = jpegSize(new Uint8Array([0xff, 0xd8, ...bytes]));
				expect(size === null || size.width >= 0).toBe(true);
			}),
		);
	});
});
