import { expect, test } from "bun:test";
import sharp from "sharp";
import { readPixelClock } from "#shared/pixel-clock.ts";
import { MjpegServer } from "./mjpeg-server.ts";

/** The JPEGs of one connection, cut at their declared length. */
async function* jpegs(url: string, headers: Record<string, string> = {}): AsyncGenerator<Buffer> {
	const response = await fetch(url, { headers });
	if (!response.ok) throw new Error(`answered ${response.status}`);
	let rest = Buffer.alloc(0);
	for await (const chunk of response.body ?? []) {
		rest = Buffer.concat([rest, chunk]);
		for (;;) {
			const end = rest.indexOf("\r\n\r\n");
			const length = Number(/content-length: (\d+)/i.exec(rest.toString("latin1", 0, end))?.[1]);
			if (end < 0 || rest.byteLength < end + 4 + length + 2) break;
			yield rest.subarray(end + 4, end + 4 + length);
			rest = rest.subarray(end + 4 + length + 2);
		}
	}
}

async function read(jpeg: Buffer): Promise<{ width: number; height: number; mark: number | null }> {
	const { data, info } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
	const { width, height } = info;
	return { width, height, mark: readPixelClock(data, { width, height, channels: 3 }) };
}

async function next(pictures: AsyncGenerator<Buffer>): Promise<Buffer> {
	const { value } = await pictures.next();
	if (!value) throw new Error("the stream has ended");
	return value;
}

test("pictures are numbered, change size when told, and the server comes back on its port", async () => {
	await using server = new MjpegServer({ mark: "number", framesPerSecond: 50 });
	const pictures = jpegs(server.url);
	expect(await read(await next(pictures))).toEqual({ width: 640, height: 360, mark: 1 });
	expect((await read(await next(pictures))).mark).toBe(2);
	server.size = { width: 320, height: 240 };
	await next(pictures);
	expect(await read(await next(pictures))).toMatchObject({ width: 320, height: 240 });
	server.stop();
	for await (const _ of pictures); // Bun's fetch takes a reset for the end of a body without a length
	await expect(fetch(server.url)).rejects.toThrow();
	server.start();
	expect(await read(await next(jpegs(server.url)))).toMatchObject({ width: 320 });
});

test("wrong credentials are refused", async () => {
	await using server = new MjpegServer({ credentials: { name: "eye", password: "lid" } });
	expect((await fetch(server.url)).status).toBe(401);
	const authorization = `Basic ${btoa("eye:lid")}`;
	expect((await next(jpegs(server.url, { authorization }))).byteLength).toBeGreaterThan(1000);
});
