import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localNow } from "#shared/clock.ts";
import { readPixelClock } from "#shared/pixel-clock.ts";
import type { RawFrame } from "../../agent/raw-frame.ts";
import { openSource } from "../../agent/source.ts";
import type { SourceError } from "../../agent/source-error.ts";
import { makeClip } from "../support/clip.ts";
import { Audience } from "./audience.ts";

const clip = { width: 320, height: 180, framesPerSecond: 25, seconds: 0.8 } as const; // 20 frames
let folder = "";

beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "sightline-clips-"));
	await makeClip(join(folder, "h264.mp4"), { ...clip, codec: "h264", keyInterval: 10 });
	await makeClip(join(folder, "mjpeg.avi"), { ...clip, codec: "mjpeg" });
	await makeClip(join(folder, "stream.ts"), { ...clip, codec: "h264" });
});

afterAll(() => rm(folder, { recursive: true }));

interface Seen {
	/** Position in the clip, ms, by the pixel clock. */
	position: number | null;
	captureTime: number;
}

async function seen(raw: RawFrame): Promise<Seen> {
	const size = { width: raw.width, height: raw.height };
	const position = readPixelClock(await raw.rgb(size), { ...size, channels: 3 });
	raw.free();
	return { position, captureTime: raw.captureTime };
}

async function lossOf(path: string): Promise<SourceError> {
	const source = openSource({ kind: "file", path }, new Audience());
	try {
		for await (const raw of source.frames(new AbortController().signal)) raw.free();
	} catch (error) {
		return error as SourceError;
	}
	throw new Error("the source ended without an error");
}

describe("video file", () => {
	test.each(["h264.mp4", "mjpeg.avi", "stream.ts"])(
		"%s plays at its own pace, again and again",
		async (name) => {
			const audience = new Audience();
			const source = openSource({ kind: "file", path: join(folder, name) }, audience);
			const watching = new AbortController();
			const frames: Seen[] = [];
			for await (const raw of source.frames(watching.signal)) {
				frames.push(await seen(raw));
				if (frames.length === 45) watching.abort();
			}
			expect(audience.formats).toEqual([{ width: 320, height: 180, framesPerSecond: 25, ownQuality: null }]);
			expect(source.undecodable).toBe(0);
			// Every frame stands where the clock of a camera playing since the first one would be, loop after loop.
			const [first] = frames;
			const late = frames.map(({ position, captureTime }) => {
				const at =
					(captureTime - (first?.captureTime ?? 0) - ((position ?? 0) - (first?.position ?? 0))) % 800;
				return at > 400 ? at - 800 : at;
			});
			late.sort((a, b) => a - b);
			expect(Math.abs(late[22] ?? 999)).toBeLessThan(15);
			expect(frames.filter(({ position }) => position === 0).length).toBeGreaterThanOrEqual(2);
			expect(frames.filter(({ position }) => position === 760).length).toBeGreaterThanOrEqual(2);
		},
	);

	test("a slow consumer gets the newest frame", async () => {
		const source = openSource({ kind: "file", path: join(folder, "h264.mp4") }, new Audience());
		const watching = new AbortController();
		let count = 0;
		for await (const raw of source.frames(watching.signal)) {
			if (count++ > 0) expect(localNow() - raw.captureTime).toBeLessThan(90);
			raw.free();
			await Bun.sleep(150); // the slowness itself
			if (count === 4) watching.abort();
		}
		expect(source.replaced).toBeGreaterThanOrEqual(4);
	});

	test("stands still while nobody watches and goes on at once", async () => {
		const audience = new Audience();
		const source = openSource({ kind: "file", path: join(folder, "h264.mp4") }, audience);
		const watching = new AbortController();
		const frames = source.frames(watching.signal);
		const take = async () => {
			const { value } = await frames.next();
			if (!value) throw new Error("no frame");
			return seen(value);
		};
		for (let i = 0; i < 3; i++) await take();
		audience.watching = false;
		const last = await take();
		const pending = take();
		await Bun.sleep(300); // seven frames' time in which at most the one already decoded may come
		audience.watching = true;
		const wantedTime = localNow();
		const after = [await pending, await take()];
		expect(localNow() - wantedTime).toBeLessThan(200);
		expect((after[1]?.position ?? 999) - (last.position ?? 0)).toBeLessThanOrEqual(120);
		watching.abort();
		expect((await frames.next()).done).toBe(true);
	});

	test("what cannot be played is told in one line", async () => {
		const path = (name: string) => join(folder, name);
		await Bun.write(path("garbage.mp4"), Buffer.alloc(50_000, 0x5a));
		await Bun.write(path("empty.mp4"), "");
		await Bun.write(path("list.m3u8"), `#EXTM3U\n#EXTINF:1,\n${path("stream.ts")}\n#EXT-X-ENDLIST\n`);
		await Bun.write(path("list.ffconcat"), "ffconcat version 1.0\nfile h264.mp4\n");
		await makeClip(path("cut.mp4"), { ...clip, codec: "h264" });
		await truncate(path("cut.mp4"), 900);
		expect(await lossOf(path("none.mp4"))).toMatchObject({
			reason: "not-found",
			message: `file ${path("none.mp4")}: no such file`,
		});
		expect(await lossOf(folder)).toMatchObject({
			reason: "unsupported",
			message: `file ${folder}: not a file`,
		});
		for (const name of ["garbage.mp4", "empty.mp4", "list.m3u8", "list.ffconcat", "cut.mp4"]) {
			const loss = await lossOf(path(name));
			expect(["bad-data", "unsupported", "ended"]).toContain(loss.reason);
			expect(loss.message).toStartWith(`file ${path(name)}: `);
		}
	});

	test("damage in the middle is skipped and counted", async () => {
		const path = join(folder, "damaged.avi");
		const bytes = Buffer.from(await Bun.file(join(folder, "mjpeg.avi")).arrayBuffer());
		const middle = bytes.indexOf(Buffer.from("ffd8ff", "hex"), bytes.length / 2);
		bytes.fill(0, middle, middle + 400);
		await Bun.write(path, bytes);
		const source = openSource({ kind: "file", path }, new Audience());
		const watching = new AbortController();
		const positions: (number | null)[] = [];
		for await (const raw of source.frames(watching.signal)) {
			positions.push((await seen(raw)).position);
			if (positions.length === 22) watching.abort();
		}
		expect(source.undecodable).toBeGreaterThanOrEqual(1);
		expect(positions).not.toContain(null);
	});
});
