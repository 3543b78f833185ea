import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Demuxer } from "node-av";
import sharp from "sharp";
import { ladderFor, qualityId } from "#shared/ladder.ts";
import { readPixelClock } from "#shared/pixel-clock.ts";
import { MultipartReader as Reader } from "../../support/multipart-reader.ts";
import { type Running, startAgent, startRelay } from "../../support/processes.ts";
import { until } from "../../support/until.ts";
import { smallJpeg, WireAgent } from "../../support/wire-agent.ts";

let relay: Running & { url: string };
let jpeg: Buffer;
beforeAll(async () => {
	[relay, jpeg] = await Promise.all([startRelay(), smallJpeg()]);
});
afterAll(() => relay[Symbol.asyncDispose]());

const TOP = ladderFor({ width: 64, height: 48 }).length - 1;
const errorOf = async (response: Response) => ((await response.json()) as { error: string }).error;
const demanded = (agent: WireAgent, rendition: number) =>
	until(() => agent.demand?.renditions.includes(rendition), { what: `demand for rendition ${rendition}` });
async function clockOf(picture: Buffer): Promise<number | null> {
	const { data, info } = await sharp(picture).removeAlpha().raw().toBuffer({ resolveWithObject: true });
	return readPixelClock(data, { width: info.width, height: info.height, channels: 3 });
}

describe("a real camera", () => {
	let own: Running & { url: string };
	let agent: Running;
	beforeAll(async () => {
		own = await startRelay();
		agent = startAgent({ relayUrl: own.url, camera: "test:" });
		await until(async () => (await fetch(`${own.url}/readyz`)).ok, { what: "the camera", timeoutMs: 15_000 });
	});
	afterAll(async () => {
		await agent[Symbol.asyncDispose]();
		await own[Symbol.asyncDispose]();
	});

	test("moves: every part is a whole picture of the asked size, later than the one before", async () => {
		await using reader = await Reader.open(`${own.url}/cameras/test-card/stream.mjpg?height=360`);
		let clock = Number.NEGATIVE_INFINITY;
		let timestamp = 0;
		for (let i = 0; i < 15; i++) {
			const { headers, body } = (await reader.next())!;
			const { width, height } = await sharp(body).metadata();
			expect([headers["content-type"], width, height]).toEqual(["image/jpeg", 640, 360]);
			const [pictureClock, time] = [(await clockOf(body))!, Number(headers["x-timestamp"])];
			expect(pictureClock).toBeGreaterThan(clock);
			expect(time).toBeGreaterThan(timestamp);
			expect(Math.abs(time - Date.now() / 1_000)).toBeLessThan(5);
			[clock, timestamp] = [pictureClock, time];
		}
	});

	test("is read by FFmpeg's own demuxer", async () => {
		const demuxer = await Demuxer.open(`${own.url}/?action=stream`);
		expect(demuxer.formatName).toContain("mpjpeg");
		let clock = Number.NEGATIVE_INFINITY;
		let count = 0;
		for await (const packet of demuxer.packets()) {
			if (!packet) break;
			const pictureClock = (await clockOf(packet.data!))!;
			packet.free();
			expect(pictureClock).toBeGreaterThan(clock);
			clock = pictureClock;
			if (++count === 10) break;
		}
		expect(count).toBe(10);
		await demuxer.close();
	});

	test("sends no more pictures a second than asked", async () => {
		await using reader = await Reader.open(`${own.url}/cameras/test-card/stream.mjpg?height=180&fps=5`);
		await reader.next(); // may be the kept one
		const times: number[] = [];
		while (times.length < 8) times.push(Number((await reader.next())!.headers["x-timestamp"]));
		const meanS = (times.at(-1)! - times[0]!) / (times.length - 1);
		expect(meanS).toBeGreaterThan(0.16);
		expect(meanS).toBeLessThan(1);
	});
});

describe("stream.mjpg", () => {
	test("is demand for as long as the client reads, and says what proxies must not do", async () => {
		using agent = await new WireAgent(relay.url, "watched").publish();
		const opening = Reader.open(`${relay.url}/cameras/watched/stream.mjpg?quality=75`);
		await demanded(agent, qualityId(75));
		agent.sendFrame(jpeg, { rendition: qualityId(75) });
		const reader = await opening;
		expect(Object.fromEntries(reader.response.headers)).toMatchObject({
			"content-type": "multipart/x-mixed-replace; boundary=frame",
			"cache-control": "no-store, no-transform",
			"x-accel-buffering": "no",
		});
		for (let i = 0; i < 10; i++) {
			expect((await reader.next())!.body.equals(jpeg)).toBe(true);
			agent.sendFrame(jpeg, { rendition: qualityId(75) });
		}
		await reader[Symbol.asyncDispose]();
		await until(() => agent.demand?.renditions.length === 0, { what: "no demand" });
	});

	test("begins with a picture of its own size, not with the small one kept for pages", async () => {
		using agent = await new WireAgent(relay.url, "sized").publish();
		agent.sendFrame(jpeg, { rendition: 0 });
		await until(() => agent.acks === 1, { what: "a frame at the relay" });
		const opening = Reader.open(`${relay.url}/cameras/sized/stream.mjpg`);
		await demanded(agent, TOP);
		const own = await smallJpeg({ width: 64, height: 48 }, "#00ff00");
		agent.sendFrame(own, { rendition: TOP });
		await using reader = await opening;
		expect((await reader.next())!.body.equals(own)).toBe(true);
	});

	test("keeps the last picture while the camera is offline, and goes on with the next agent", async () => {
		const first = await new WireAgent(relay.url, "returning").publish();
		first.sendFrame(jpeg, { rendition: TOP });
		await until(() => first.acks === 1, { what: "a frame at the relay" });
		await using reader = await Reader.open(`${relay.url}/cameras/returning/stream.mjpg`);
		expect((await reader.next())!.body.equals(jpeg)).toBe(true);
		first.close();
		expect((await reader.next())!.body.equals(jpeg)).toBe(true); // again, after 5 s: a silent body gets cut
		using second = await new WireAgent(relay.url, "returning").publish("another");
		await demanded(second, TOP);
		const newest = await smallJpeg({ width: 64, height: 48 }, "#00ff00");
		second.sendFrame(newest, { rendition: TOP });
		expect((await reader.next())!.body.equals(newest)).toBe(true);
	});

	test("begins with the last picture of a camera that is offline, and says why when there is none", async () => {
		for (const [id, hasPicture] of [
			["gone-kept", true],
			["gone-empty", false],
		] as const) {
			const agent = await new WireAgent(relay.url, id).publish();
			if (hasPicture) agent.sendFrame(jpeg);
			if (hasPicture) await until(() => agent.acks === 1, { what: "a frame at the relay" });
			agent.close();
			await until(
				async () => (await (await fetch(`${relay.url}/api/cameras/${id}`)).text()).includes("agent-gone"),
				{
					what: "the camera to be offline",
				},
			);
		}
		await using reader = await Reader.open(`${relay.url}/cameras/gone-kept/stream.mjpg`);
		expect((await reader.next())!.body.equals(jpeg)).toBe(true);
		const refused = await fetch(`${relay.url}/cameras/gone-empty/stream.mjpg`);
		expect([refused.status, await errorOf(refused)]).toEqual([
			503,
			'camera "gone-empty" is offline (agent-gone) and has no picture',
		]);
	});

	test("ends when its camera leaves the relay", async () => {
		using agent = await new WireAgent(relay.url, "leaving").publish("i");
		agent.sendFrame(jpeg, { rendition: TOP });
		await until(() => agent.acks === 1, { what: "a frame at the relay" });
		await using reader = await Reader.open(`${relay.url}/cameras/leaving/stream.mjpg`);
		await reader.next();
		agent.say({ type: "publish", instance: "i", cameras: [] });
		expect(await reader.next()).toBeNull();
	});

	test("follows a camera that changes its size", async () => {
		using agent = await new WireAgent(relay.url, "grows").publish();
		agent.sendFrame(jpeg, { rendition: TOP });
		await until(() => agent.acks === 1, { what: "a frame at the relay" });
		await using reader = await Reader.open(`${relay.url}/cameras/grows/stream.mjpg?height=300`);
		await reader.next();
		const before = agent.demand!.renditions.join();
		agent.live({ width: 1280, height: 720 });
		await until(() => agent.demand!.renditions.join() !== before, { what: "another rendition" });
		expect(agent.demand!.renditions).toContain(3); // 360p q60
	});

	test.each([
		["fps=0", 'fps: expected a number from 0.1 to 120, got "0"'],
		["fps=fast", 'fps: expected a number from 0.1 to 120, got "fast"'],
		["quality=100", 'quality: expected a whole number from 30 to 95, got "100"'],
	])("?%s is refused in words", async (query, words) => {
		using _agent = await new WireAgent(relay.url, "strict").publish();
		const response = await fetch(`${relay.url}/cameras/strict/stream.mjpg?${query}`);
		expect([response.status, await errorOf(response)]).toEqual([400, words]);
	});
});

describe("mjpg-streamer's addresses", () => {
	test("lead to the first camera or the named one; / itself stays the page", async () => {
		await using own = await startRelay();
		const early = await fetch(`${own.url}/?action=stream`);
		expect([early.status, await errorOf(early)]).toEqual([503, "no agent has published a camera"]);
		const red = await smallJpeg({ width: 64, height: 48 }, "#ff0000");
		using first = await new WireAgent(own.url, "first").publish();
		using second = await new WireAgent(own.url, "second").publish();
		const still = (query: string) => fetch(`${own.url}/?action=snapshot${query}`);
		for (const [agent, query, body] of [
			[first, "", jpeg],
			[second, "&camera=second", red],
		] as const) {
			const answer = still(`&max-age=60${query}`);
			const rendition = await until(() => agent.demand?.renditions[0], { what: "demand" });
			agent.sendFrame(body, { rendition });
			expect(Buffer.from(await (await answer).arrayBuffer()).equals(body)).toBe(true);
			await using reader = await Reader.open(`${own.url}/?action=stream${query}`);
			expect((await reader.next())!.body.equals(body)).toBe(true);
		}
		expect((await still("&camera=third")).status).toBe(404);
		expect((await still("&quality=1")).status).toBe(400);
		for (const path of ["/", "/?camera=first", "/?action=command", "/?action="])
			expect([path, (await fetch(own.url + path)).headers.get("content-type")]).toEqual([
				path,
				"text/html;charset=utf-8",
			]);
	});
});
