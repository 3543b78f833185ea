import { afterEach, describe, expect, test } from "bun:test";
import sharp from "sharp";
import { localNow } from "#shared/clock.ts";
import { isOwn, renditionsFor } from "#shared/ladder.ts";
import { LIMITS } from "../../agent/limits.ts";
import { MjpegSource } from "../../agent/mjpeg-source.ts";
import type { RawFrame } from "../../agent/raw-frame.ts";
import type { SourceError } from "../../agent/source-error.ts";
import { Audience } from "./audience.ts";

const limits = { ...LIMITS, openMs: 400, silenceMs: 300, badDataMs: 500 };
const small = await picture(160, 120);
const large = await picture(320, 240);
const servers: { stop(force: boolean): unknown }[] = [];

afterEach(() => {
	for (const server of servers.splice(0)) server.stop(true);
});

async function picture(width: number, height: number): Promise<Buffer> {
	const create = { width, height, channels: 3 as const, background: "#3366cc" };
	return sharp({ create }).jpeg({ quality: 80 }).toBuffer();
}

interface Served {
	type?: string;
	status?: number;
	/** Writes the body; the stream ends with it. */
	body(write: (bytes: Uint8Array | string) => void, gone: AbortSignal): Promise<void>;
}

/** A camera that serves what `served` says to whoever comes; its address. */
function serve({ type = "multipart/x-mixed-replace; boundary=b", status = 200, body }: Served): string {
	const server = Bun.serve({
		port: 0,
		hostname: "127.0.0.1",
		fetch(request) {
			const stream = new ReadableStream<Uint8Array>({
				async start(controller) {
					const write = (bytes: Uint8Array | string) => {
						if (!request.signal.aborted)
							controller.enqueue(typeof bytes === "string" ? Buffer.from(bytes) : bytes);
					};
					await body(write, request.signal);
					if (!request.signal.aborted) controller.close();
				},
			});
			return new Response(stream, { status, headers: { "content-type": type } });
		},
	});
	servers.push(server);
	return `http://127.0.0.1:${server.port}/video`;
}

function part(jpeg: Uint8Array, { length = true, boundary = "b" } = {}): Uint8Array {
	const header = length ? `Content-Length: ${jpeg.length}\r\n` : "";
	return Buffer.concat([
		Buffer.from(`--${boundary}\r\nContent-Type: image/jpeg\r\n${header}\r\n`),
		jpeg,
		Buffer.from("\r\n"),
	]);
}

/** Writes `chunk` every `intervalMs` until the viewer has gone. */
async function forever(
	write: (bytes: Uint8Array | string) => void,
	gone: AbortSignal,
	chunk: () => Uint8Array | string,
	intervalMs = 10,
): Promise<void> {
	while (!gone.aborted) {
		write(chunk());
		await Bun.sleep(intervalMs);
	}
}

/** Frames of `url` as [width, height] until there are `count` or the source is lost. */
async function watch(url: string, count: number, audience = new Audience()) {
	const source = new MjpegSource({ kind: "mjpeg", url }, audience, limits);
	const watching = new AbortController();
	const sizes: string[] = [];
	let lost: SourceError | null = null;
	try {
		for await (const raw of source.frames(watching.signal)) {
			sizes.push(`${raw.width}x${raw.height}`);
			raw.free();
			if (sizes.length >= count) watching.abort();
		}
	} catch (error) {
		lost = error as SourceError;
	}
	return { sizes, lost, source, audience };
}

describe("MJPEG over HTTP", () => {
	test.each([
		["with lengths", {}],
		["without Content-Length", { length: false }],
		["with another boundary than announced", { boundary: "something-else" }],
	])("shows a stream %s", async (_name, options) => {
		const url = serve({ body: (write, gone) => forever(write, gone, () => part(small, options)) });
		const { sizes, lost, source, audience } = await watch(url, 5);
		expect({ sizes: sizes.length, lost, undecodable: source.undecodable }).toEqual({
			sizes: 5,
			lost: null,
			undecodable: 0,
		});
		expect(audience.formats).toEqual([{ width: 160, height: 120, framesPerSecond: null, ownQuality: 80 }]);
	});

	test("shows the right colours", async () => {
		const url = serve({ body: (write, gone) => forever(write, gone, () => part(small)) });
		const watching = new AbortController();
		const source = new MjpegSource({ kind: "mjpeg", url }, new Audience(), limits);
		for await (const raw of source.frames(watching.signal)) {
			const pixels = await raw.rgb({ width: 160, height: 120 });
			for (const [i, value] of [0x33, 0x66, 0xcc].entries()) {
				expect(Math.abs((pixels[i] ?? 0) - value)).toBeLessThan(6);
			}
			raw.free();
			watching.abort();
		}
	});

	test("a server that dies after some pictures: ended", async () => {
		const url = serve({
			body: async (write) => {
				for (let i = 0; i < 3; i++) write(part(small));
			},
		});
		const { sizes, lost } = await watch(url, 99);
		expect(sizes.length).toBeGreaterThanOrEqual(0);
		expect(lost).toMatchObject({ reason: "ended" });
		expect(lost?.message).toBe(`${url}: the server ended the stream`);
	});

	test("a server that falls silent, before or after a picture: timed-out", async () => {
		const silent = serve({
			body: async (write, gone) => {
				write(part(small));
				await new Promise<void>((resolve) => gone.addEventListener("abort", () => resolve()));
			},
		});
		expect((await watch(silent, 99)).lost).toMatchObject({
			reason: "timed-out",
			message: `${silent}: nothing came for 0.3 s`,
		});
		const mute = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
		servers.push(mute);
		const { lost } = await watch(`http://user:secret@127.0.0.1:${mute.port}/`, 99);
		expect(lost).toMatchObject({ reason: "timed-out" });
		expect(lost?.message).toBe(`http://***@127.0.0.1:${mute.port}/: did not answer within 0.4 s`);
	});

	test("garbage for too long: bad-data", async () => {
		const garbage = Buffer.alloc(20_000);
		for (let i = 0; i < garbage.length; i++) garbage[i] = (i * 2654435761) >>> 24;
		const url = serve({ body: (write, gone) => forever(write, gone, () => garbage) });
		const { sizes, lost } = await watch(url, 99);
		expect(sizes).toEqual([]);
		expect(lost).toMatchObject({ reason: "bad-data" });
	});

	test("pictures whose inside is garbage for too long: bad-data, counted", async () => {
		const broken = Buffer.from(small);
		const scan = broken.indexOf(Buffer.from("ffda", "hex"));
		broken.fill(0x55, scan + 14, broken.length - 2);
		const tables = broken.indexOf(Buffer.from("ffc4", "hex"));
		broken.fill(0xff, tables + 5, tables + 21); // Huffman code counts no decoder accepts
		const url = serve({ body: (write, gone) => forever(write, gone, () => part(broken)) });
		const { sizes, lost, source } = await watch(url, 99);
		expect(sizes).toEqual([]);
		expect(lost).toMatchObject({ reason: "bad-data" });
		expect(source.undecodable).toBeGreaterThan(5);
	});

	test("a picture cut short but properly ended is no picture: no half of it is shown", async () => {
		const create = { width: 160, height: 120, channels: 3 as const, background: "#808080" };
		const noise = { type: "gaussian" as const, mean: 128, sigma: 40 };
		const whole = await sharp({ create: { ...create, noise } })
			.jpeg()
			.toBuffer();
		const half = Buffer.concat([whole.subarray(0, whole.length / 2), Buffer.from("ffd9", "hex")]);
		let sent = 0;
		const url = serve({
			body: (write, gone) => forever(write, gone, () => part(sent++ < 3 ? half : whole), 30),
		});
		const { sizes, source } = await watch(url, 3);
		expect({ sizes: sizes.length, undecodable: source.undecodable }).toEqual({ sizes: 3, undecodable: 3 });
	});

	test("user and password in the address answer Basic and Digest, and stay out of the request's address", async () => {
		for (const challenge of ['Basic realm="cam"', 'Digest realm="cam", nonce="n", qop="auth"']) {
			const asked: string[] = [];
			const server = Bun.serve({
				port: 0,
				hostname: "127.0.0.1",
				fetch(request) {
					asked.push(`${request.url} ${request.headers.get("authorization") ?? ""}`);
					if (asked.length === 1) {
						return new Response("no", { status: 401, headers: { "www-authenticate": challenge } });
					}
					const body = Buffer.concat([part(small), part(small)]);
					return new Response(body, { headers: { "content-type": "multipart/x-mixed-replace" } });
				},
			});
			servers.push(server);
			const { lost } = await watch(`http://admin:p%40ss@127.0.0.1:${server.port}/v?a=b`, 1);
			expect(lost).toMatchObject({ reason: "ended" });
			expect(asked).toHaveLength(2);
			expect(asked[1]).toStartWith(`http://127.0.0.1:${server.port}/v?a=b ${challenge.split(" ")[0]} `);
			expect(asked.join()).not.toContain("p%40ss");
		}
	});

	test("one broken picture among good ones is counted and left out", async () => {
		const stream = [part(small), part(small.subarray(0, 300), { length: false }), part(small), part(small)];
		let next = 0;
		const url = serve({
			body: (write, gone) => forever(write, gone, () => stream[next++] ?? part(small), 20),
		});
		const { sizes, lost, source } = await watch(url, 6);
		expect({ sizes: sizes.length, lost, undecodable: source.undecodable }).toEqual({
			sizes: 6,
			lost: null,
			undecodable: 1,
		});
	});

	test("a header that lies about its size is refused before anything is allocated for it", async () => {
		const lying = Buffer.from(small);
		const frame = lying.indexOf(Buffer.from("ffc0", "hex"));
		lying.writeUInt16BE(65500, frame + 5);
		lying.writeUInt16BE(65500, frame + 7);
		const url = serve({ body: (write, gone) => forever(write, gone, () => part(lying)) });
		const before = process.memoryUsage.rss();
		const { sizes, lost, source, audience } = await watch(url, 99);
		expect(sizes).toEqual([]);
		expect(lost).toMatchObject({ reason: "bad-data" });
		expect(source.undecodable).toBeGreaterThan(5);
		expect(audience.formats).toEqual([]);
		expect(process.memoryUsage.rss() - before).toBeLessThan(100e6);
	});

	test("a camera that changes size goes on, and says so", async () => {
		let sent = 0;
		const url = serve({
			body: (write, gone) => forever(write, gone, () => part(sent++ < 5 ? small : large), 20),
		});
		const { sizes, lost, audience } = await watch(url, 10);
		expect(lost).toBeNull();
		expect(audience.sizes).toEqual(["160x120", "320x240"]);
		expect(new Set(sizes)).toEqual(new Set(["160x120", "320x240"]));
	});

	test.each([
		[404, "text/html", "not-found"],
		[401, "text/html", "permission"],
		[503, "text/html", "busy"],
		[500, "text/html", "refused"],
		[200, "text/html", "unsupported"],
		[200, "application/vnd.apple.mpegurl", "unsupported"],
	])("an answer of %i %s is %s", async (status, type, reason) => {
		const url = serve({ status, type, body: async (write) => write("<html>") });
		const { lost } = await watch(url, 1);
		expect(lost).toMatchObject({ reason });
		expect(lost?.message).toContain(`${url}: answered ${status === 200 ? type : status}`);
	});

	test("nobody there: refused, without the password", async () => {
		const { lost } = await watch("http://user:secret@127.0.0.1:9/", 1);
		expect(lost).toMatchObject({ reason: "refused" });
		expect(lost?.message).toBe("http://***@127.0.0.1:9/: connection refused");
	});

	test("nobody watching: the size is told, nothing is decoded; the newest picture comes when somebody does", async () => {
		const audience = new Audience(false);
		let sent = 0;
		const { promise: enough, resolve } = Promise.withResolvers<void>();
		const url = serve({
			body: (write, gone) =>
				forever(write, gone, () => {
					if (++sent === 20) resolve();
					return part(small);
				}),
		});
		const source = new MjpegSource({ kind: "mjpeg", url }, audience, limits);
		const watching = new AbortController();
		const frames = source.frames(watching.signal);
		const first: Promise<IteratorResult<RawFrame, void>> = frames.next();
		await enough;
		expect(audience.sizes).toEqual(["160x120"]);
		expect(await Promise.race([first, Promise.resolve("none yet")])).toBe("none yet");
		audience.watching = true;
		const { value: raw } = await first;
		expect(localNow() - (raw?.captureTime ?? 0)).toBeLessThan(100);
		raw?.free();
		watching.abort();
		expect((await frames.next()).done).toBe(true);
	});

	test("with its own JPEG enough for all who watch nothing is decoded, and what it gives is what came", async () => {
		const undecodable = Buffer.from(small);
		undecodable.fill(0x55, undecodable.indexOf(Buffer.from("ffda", "hex")) + 14, undecodable.length - 2);
		const audience = new Audience();
		audience.wantingPixels = false;
		const url = serve({ body: (write, gone) => forever(write, gone, () => part(undecodable)) });
		const source = new MjpegSource({ kind: "mjpeg", url }, audience, limits);
		const rendition = renditionsFor({ width: 160, height: 120 }, 80).find(isOwn)!;
		let count = 0;
		for await (const raw of source.frames(new AbortController().signal)) {
			expect(raw.hasPixels).toBe(false);
			expect(undecodable.equals(raw.ownFor(rendition)!.body)).toBe(true);
			raw.free();
			if (++count === 10) break;
		}
		expect(source.undecodable).toBe(0);
		expect(audience.formats).toEqual([{ width: 160, height: 120, framesPerSecond: null, ownQuality: 80 }]);
	});

	test("ending closes the connection", async () => {
		const { promise: gone, resolve } = Promise.withResolvers<void>();
		const url = serve({
			body: (write, signal) => {
				signal.addEventListener("abort", () => resolve());
				return forever(write, signal, () => part(small));
			},
		});
		await watch(url, 2);
		await gone;
	});
});
