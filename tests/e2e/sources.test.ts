import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { launchChromium } from "../support/chromium.ts";
import { makeClip } from "../support/clip.ts";
import { MjpegServer } from "../support/mjpeg-server.ts";
import { type Running, startAgent, startRelay } from "../support/processes.ts";
import { RtspServer } from "../support/rtsp-server.ts";
import { until } from "../support/until.ts";
import { ViewerPage } from "./page.ts";

let browser: Browser;
let folder: string;
beforeAll(async () => {
	[browser, folder] = await Promise.all([launchChromium(), mkdtemp(join(tmpdir(), "sightline-"))]);
}, 60_000);
afterAll(async () => {
	await browser.close();
	await rm(folder, { recursive: true });
});

/** Relay, agent and page of one source. */
async function watch(camera: string): Promise<AsyncDisposable & { page: ViewerPage; agent: Running }> {
	const relay = await startRelay();
	const agent = startAgent({ relayUrl: relay.url, camera, env: { CAMERA_NAME: "Bench" } });
	const page = await ViewerPage.open(browser, relay.url);
	return {
		page,
		agent,
		async [Symbol.asyncDispose]() {
			await page[Symbol.asyncDispose]();
			await agent[Symbol.asyncDispose]();
			await relay[Symbol.asyncDispose]();
		},
	};
}

/** The source goes away and comes back: the page says so, keeps the picture, and goes on by itself. */
async function survives(page: ViewerPage, lose: () => unknown, comeBack: () => unknown): Promise<string> {
	await page.reaches("bench", "live");
	await page.paints("bench");
	const loads = await page.page.evaluate(() => performance.timeOrigin);
	await lose();
	await page.reaches("bench", "offline");
	const words = await page.notice("bench");
	await comeBack();
	await page.reaches("bench", "live");
	await page.paints("bench");
	expect(await page.page.evaluate(() => performance.timeOrigin)).toBe(loads);
	expect(page.problems).toEqual([]);
	return words;
}

describe("a real source reaches a real Chromium", () => {
	test("a video file, looped at its own pace", async () => {
		const path = join(folder, "clip.mp4");
		await makeClip(path, { width: 640, height: 360, framesPerSecond: 25, seconds: 2, codec: "h264" });
		await using watching = await watch(path);
		const { page } = watching;
		await page.reaches("bench", "live");
		// Its clock is the position in the clip: past the end it starts again.
		const seen = await page.sightings("bench", 75);
		const positions = seen.map(({ clock }) => clock);
		expect(Math.max(...positions)).toBeLessThan(2_000);
		expect(positions.some((position, i) => i > 0 && position < positions[i - 1]!)).toBe(true);
		expect(page.problems).toEqual([]);
	});

	test("a video file that is not there yet", async () => {
		const path = join(folder, "late.mp4");
		const hidden = join(folder, "hidden.mp4");
		await makeClip(hidden, { width: 320, height: 240, framesPerSecond: 25, seconds: 2, codec: "h264" });
		await using watching = await watch(path);
		await watching.page.reaches("bench", "offline");
		expect(await watching.page.notice("bench")).toContain("late.mp4");
		await rename(hidden, path);
		await watching.page.reaches("bench", "live");
	});

	test("MJPEG over HTTP, through a power cut", async () => {
		await using camera = new MjpegServer({ width: 640, height: 360, framesPerSecond: 25 });
		await using watching = await watch(camera.url);
		const words = await survives(
			watching.page,
			() => camera.stop(),
			() => camera.start(),
		);
		expect(words.length).toBeGreaterThan(10);
		const [seen] = await watching.page.sightings("bench", 1);
		expect(Math.abs(seen!.ageMs)).toBeLessThan(2_000);
	});

	test("MJPEG over HTTP that falls silent", async () => {
		await using camera = new MjpegServer({ width: 640, height: 360, framesPerSecond: 25 });
		await using watching = await watch(camera.url);
		await survives(
			watching.page,
			() => {
				camera.silent = true;
			},
			() => {
				camera.silent = false;
			},
		);
	});

	test("RTSP, through a power cut", async () => {
		await using camera = await RtspServer.start();
		await using watching = await watch(camera.url);
		await survives(
			watching.page,
			() => camera.kill(),
			() => camera.restart(),
		);
		const [seen] = await watching.page.sightings("bench", 1);
		expect(Math.abs(seen!.ageMs)).toBeLessThan(2_000);
	});

	test("RTSP that hangs without a word", async () => {
		await using camera = await RtspServer.start();
		await using watching = await watch(camera.url);
		await survives(
			watching.page,
			() => camera.freeze(),
			() => camera.thaw(),
		);
	});

	test("a camera that changes its size mid-stream", async () => {
		await using camera = new MjpegServer({ width: 640, height: 360, framesPerSecond: 25 });
		await using watching = await watch(camera.url);
		const { page } = watching;
		await page.reaches("bench", "live");
		const width = () =>
			page.page.evaluate(() => document.querySelector("article canvas")?.getAttribute("width"));
		await until(async () => (await width()) === "640", { what: "a picture 640 wide" });
		camera.size = { width: 320, height: 240 };
		await until(async () => (await width()) === "320", { what: "a picture 320 wide", timeoutMs: 10_000 });
		await page.paints("bench");
		expect(page.problems).toEqual([]);
	});
});
