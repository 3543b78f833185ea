import { describe, expect, test } from "bun:test";
import { mkdtemp, open, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { localNow } from "#shared/clock.ts";
import { pixelClockAge, readPixelClock } from "#shared/pixel-clock.ts";
import { AvInput } from "../../agent/av-input.ts";
import { AvSource } from "../../agent/av-source.ts";
import { LIMITS } from "../../agent/limits.ts";
import type { RawFrame } from "../../agent/raw-frame.ts";
import type { SourceError } from "../../agent/source-error.ts";
import { RtspServer } from "../support/rtsp-server.ts";
import { Audience } from "./audience.ts";

const limits = { ...LIMITS, openMs: 2000, silenceMs: 800, badDataMs: 1500, interruptMs: 400 };

function rtsp(url: string, audience = new Audience()): AvSource {
	return new AvSource({ kind: "rtsp", url }, audience, limits);
}

/** How old the picture is that `raw` shows, ms; frees it. */
async function ageOf(raw: RawFrame): Promise<number> {
	const size = { width: raw.width, height: raw.height };
	const time = readPixelClock(await raw.rgb(size), { ...size, channels: 3 });
	raw.free();
	return time === null ? Number.NaN : pixelClockAge(time, Date.now());
}

async function lossOf(source: AvSource): Promise<SourceError> {
	try {
		for await (const raw of source.frames(new AbortController().signal)) raw.free();
	} catch (error) {
		return error as SourceError;
	}
	throw new Error("the source ended without an error");
}

describe("RTSP camera", () => {
	test("shows the present, tells its size, is lost and comes back", async () => {
		await using camera = await RtspServer.start();
		const audience = new Audience();
		const source = rtsp(camera.url, audience);
		for (let round = 0; round < 2; round++) {
			const watching = new AbortController();
			const ages: number[] = [];
			const loss = await (async () => {
				for await (const raw of source.frames(watching.signal)) {
					expect(localNow() - raw.captureTime).toBeLessThan(200);
					ages.push(await ageOf(raw));
					if (ages.length === 20) await camera.kill();
				}
			})().catch((error: SourceError) => error);
			expect(loss).toMatchObject({ name: "SourceError" });
			expect(["refused", "ended"]).toContain(loss?.reason ?? "");
			ages.sort((a, b) => a - b);
			expect(ages[10]).toBeLessThan(250);
			expect(await lossOf(source)).toMatchObject({ reason: "refused" });
			await camera.restart();
		}
		expect(audience.sizes).toEqual(["640x360", "640x360"]);
		expect(audience.formats[0]?.framesPerSecond).toBe(25);
		expect(source.undecodable).toBe(0);
	}, 20_000);

	test("nobody watching: nothing is decoded; the newest picture comes at once when somebody does", async () => {
		await using camera = await RtspServer.start();
		const audience = new Audience(false);
		const watching = new AbortController();
		const frames = rtsp(camera.url, audience).frames(watching.signal);
		const first = frames.next();
		while (audience.formats.length === 0) await Bun.sleep(20);
		await Bun.sleep(700); // time for a backlog within one group of pictures
		expect(await Promise.race([first, Promise.resolve("none yet")])).toBe("none yet");
		const wantedTime = localNow();
		audience.watching = true;
		const { value: raw } = await first;
		expect(localNow() - wantedTime).toBeLessThan(300);
		expect(raw && (await ageOf(raw))).toBeLessThan(300);
		watching.abort();
		expect((await frames.next()).done).toBe(true);
	}, 20_000);

	test("a camera that changes size goes on, and says so", async () => {
		await using camera = await RtspServer.start();
		const audience = new Audience();
		const source = rtsp(camera.url, audience);
		const watching = new AbortController();
		const sizes = new Set<string>();
		for await (const raw of source.frames(watching.signal)) {
			if (sizes.size === 0) await camera.resize(320, 240);
			sizes.add(`${raw.width}x${raw.height}`);
			if (raw.width === 320) {
				expect(await ageOf(raw)).toBeLessThan(300);
				watching.abort();
			} else raw.free();
		}
		expect(audience.sizes).toEqual(["640x360", "320x240"]);
	}, 20_000);

	test("a camera that falls silent, before or after the first picture: timed-out", async () => {
		const mute = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
		const loss = await lossOf(rtsp(`rtsp://user:secret@127.0.0.1:${mute.port}/a`));
		mute.stop(true);
		expect(loss).toMatchObject({ reason: "timed-out" });
		expect(loss.message).toStartWith(`rtsp://***@127.0.0.1:${mute.port}/a: `);

		await using camera = await RtspServer.start();
		const source = rtsp(camera.url);
		let frozenTime = 0;
		const frozen = await (async () => {
			for await (const raw of source.frames(new AbortController().signal)) {
				raw.free();
				if (frozenTime === 0) {
					frozenTime = localNow();
					camera.freeze();
				}
			}
		})().catch((error: SourceError) => error);
		expect(frozen).toMatchObject({ reason: "timed-out" });
		expect(localNow() - frozenTime).toBeLessThan(limits.silenceMs + 1500);
	}, 20_000);

	test("nobody there, a wrong path and a wrong password are told apart", async () => {
		expect(await lossOf(rtsp("rtsp://127.0.0.1:9/live"))).toMatchObject({
			reason: "refused",
			message: "rtsp://127.0.0.1:9/live: connection refused",
		});
		await using camera = await RtspServer.start({ credentials: { name: "admin", password: "right" } });
		const loss = await lossOf(rtsp(camera.url.replace("rtsp://", "rtsp://admin:wrong@")));
		expect(loss).toMatchObject({ reason: "permission" });
		expect(loss.message).not.toContain("wrong");
		const watching = new AbortController();
		for await (const raw of rtsp(camera.url.replace("rtsp://", "rtsp://admin:right@")).frames(
			watching.signal,
		)) {
			raw.free();
			watching.abort();
		}
	}, 20_000);

	test("ends at once when aborted, opening or playing", async () => {
		const mute = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
		const watching = new AbortController();
		const frames = rtsp(`rtsp://127.0.0.1:${mute.port}/a`).frames(watching.signal);
		const next = frames.next();
		await Bun.sleep(100); // so that it waits for the server's answer
		const abortTime = localNow();
		watching.abort();
		expect((await next).done).toBe(true);
		expect(localNow() - abortTime).toBeLessThan(limits.interruptMs);
		mute.stop(true);
	});
});

describe("input", () => {
	test("a native call that never returns is told as hung", async () => {
		const folder = await mkdtemp(join(tmpdir(), "sightline-fifo-"));
		const path = join(folder, "fifo");
		await Bun.$`mkfifo ${path}`.quiet();
		const request = {
			url: `file:${path}`,
			name: "fifo",
			format: null,
			probe: true,
			limits: { ...limits, openMs: 100, interruptMs: 100 },
			options: { protocol_whitelist: "file" },
		};
		const opening = AvInput.open(request, new AbortController().signal).catch((error: SourceError) => error);
		expect(await opening).toMatchObject({
			reason: "hung",
			message: "fifo: stuck in the driver or in FFmpeg",
		});
		await (await open(path, "w")).close(); // lets the stuck thread go
		await rm(folder, { recursive: true });
	});
});
