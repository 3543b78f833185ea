import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import sharp from "sharp";
import { localNow } from "#shared/clock.ts";
import { ladderFor, qualityId } from "#shared/ladder.ts";
import { type Running, startAgent, startRelay } from "../../support/processes.ts";
import { until } from "../../support/until.ts";
import { smallJpeg, WireAgent } from "../../support/wire-agent.ts";
import { WireClient } from "../../support/wire-client.ts";

let relay: Running & { url: string };
let jpeg: Buffer;
beforeAll(async () => {
	[relay, jpeg] = await Promise.all([startRelay(), smallJpeg()]);
});
afterAll(() => relay[Symbol.asyncDispose]());

const TOP = ladderFor({ width: 64, height: 48 }).length - 1;
const get = (path: string, headers: Record<string, string> = {}) => fetch(`${relay.url}${path}`, { headers });
const errorOf = async (response: Response) => ((await response.json()) as { error: string }).error;
const demanded = (agent: WireAgent, rendition: number) =>
	until(() => agent.demand?.renditions.includes(rendition), { what: `demand for rendition ${rendition}` });
const viewersOf = async (id: string) =>
	((await (await get(`/api/cameras/${id}`)).json()) as { viewers: number }).viewers;

describe("a real camera's snapshot", () => {
	test("is a whole picture of the size asked for, made although nobody watched", async () => {
		await using own = await startRelay();
		await using _agent = startAgent({ relayUrl: own.url, camera: "test:" });
		await until(async () => (await fetch(`${own.url}/readyz`)).ok, { what: "the camera", timeoutMs: 15_000 });
		const take = (query: string) => fetch(`${own.url}/cameras/test-card/snapshot.jpg${query}`);
		for (const [query, width, height] of [
			["", 1280, 720],
			["?height=300", 640, 360],
			["?width=200", 320, 180],
			["?quality=55", 1280, 720],
		] as const) {
			const response = await take(query);
			expect([query, response.status, response.headers.get("content-type")]).toEqual([
				query,
				200,
				"image/jpeg",
			]);
			const bytes = Buffer.from(await response.arrayBuffer());
			const { info } = await sharp(bytes, { failOn: "warning" }).raw().toBuffer({ resolveWithObject: true });
			expect([query, info.width, info.height]).toEqual([query, width, height]);
			const age = Date.now() - Date.parse(response.headers.get("x-capture-time")!);
			expect(age).toBeLessThan(5_000);
		}
	});
});

describe("snapshot.jpg", () => {
	test("makes demand for its rendition, answers the first frame of it, and leaves", async () => {
		using agent = await new WireAgent(relay.url, "demanding").publish();
		const answer = get("/cameras/demanding/snapshot.jpg?quality=75");
		await demanded(agent, qualityId(75));
		expect(await viewersOf("demanding")).toBe(1);
		const { captureTime } = agent.sendFrame(jpeg, { rendition: qualityId(75) });
		const response = await answer;
		expect(Buffer.compare(Buffer.from(await response.arrayBuffer()), jpeg)).toBe(0);
		const time = new Date(captureTime).toISOString();
		expect(response.headers.get("x-capture-time")).toBe(time);
		expect(response.headers.get("content-disposition")).toBe(
			`inline; filename="demanding-${time.replaceAll(":", "-")}.jpg"`,
		);
		expect(response.headers.get("cache-control")).toBe("private, no-cache");
		expect(await viewersOf("demanding")).toBe(0);
		await until(() => agent.demand?.renditions.length === 0, { what: "no demand" });
	});

	test("takes a frame that is young enough, waits for one that is not older than asked", async () => {
		using agent = await new WireAgent(relay.url, "aged").publish();
		agent.sendFrame(jpeg, { rendition: TOP, captureTime: localNow() - 3_000 });
		await until(() => agent.acks === 1, { what: "the frame at the relay" });
		const old = await get("/cameras/aged/snapshot.jpg?max-age=60");
		expect(old.status).toBe(200);
		const waiting = get("/cameras/aged/snapshot.jpg?max-age=1");
		await demanded(agent, TOP);
		const late = agent.sendFrame(jpeg, { rendition: TOP, captureTime: localNow() - 2_000 });
		const fresh = agent.sendFrame(jpeg, { rendition: TOP });
		const tagOf = async (response: Response) => response.headers.get("etag")!;
		expect(await tagOf(await waiting)).toContain(`-${fresh.seq}-`);
		expect(await tagOf(await waiting)).not.toContain(`-${late.seq}-`);
	});

	test("never answers with the small picture kept for joiners while its own rendition is on its way", async () => {
		using agent = await new WireAgent(relay.url, "impostor").publish();
		agent.sendFrame(jpeg, { rendition: 0 });
		await until(() => agent.acks === 1, { what: "the small frame at the relay" });
		const answer = get("/cameras/impostor/snapshot.jpg?max-age=60");
		await demanded(agent, TOP);
		const own = await smallJpeg({ width: 64, height: 48 }, "#ff0000");
		agent.sendFrame(own, { rendition: TOP });
		expect(Buffer.compare(Buffer.from(await (await answer).arrayBuffer()), own)).toBe(0);
	});

	test("answers 304 to whoever has the picture", async () => {
		using agent = await new WireAgent(relay.url, "tagged").publish();
		agent.sendFrame(jpeg, { rendition: TOP });
		await until(() => agent.acks === 1, { what: "the frame at the relay" });
		const path = "/cameras/tagged/snapshot.jpg?max-age=600";
		const tag = (await get(path)).headers.get("etag")!;
		expect(tag).toMatch(/^"[\w-]+"$/);
		for (const known of [tag, `W/${tag}`, `"other", ${tag}`, "*"]) {
			const response = await get(path, { "If-None-Match": known });
			expect([known, response.status, await response.text()]).toEqual([known, 304, ""]);
		}
		expect((await get(path, { "If-None-Match": '"other"' })).status).toBe(200);
		agent.sendFrame(jpeg, { rendition: TOP });
		await until(() => agent.acks === 2, { what: "the next frame at the relay" });
		expect((await get(path, { "If-None-Match": tag })).status).toBe(200);
	});

	test("gives up after 5 s with 504 when the camera is live and sends nothing", async () => {
		using _agent = await new WireAgent(relay.url, "mute").publish();
		const response = await get("/cameras/mute/snapshot.jpg");
		expect([response.status, await errorOf(response)]).toEqual([
			504,
			'camera "mute" gave no picture within 5 s',
		]);
		expect(response.headers.get("retry-after")).toBe("5");
		expect(await viewersOf("mute")).toBe(0);
	});

	test("of a camera that is offline is 503 with the reason, or the last picture when that is young enough", async () => {
		const agent = await new WireAgent(relay.url, "lost").publish();
		agent.sendFrame(jpeg, { captureTime: localNow() - 10_000 });
		await until(() => agent.acks === 1, { what: "the frame at the relay" });
		agent.close();
		await until(async () => (await (await get("/api/cameras/lost")).text()).includes("agent-gone"), {
			what: "the camera to be offline",
		});
		const refused = await get("/cameras/lost/snapshot.jpg");
		expect([refused.status, await errorOf(refused)]).toEqual([
			503,
			'camera "lost" is offline (agent-gone) and has no picture',
		]);
		expect((await get("/cameras/lost/snapshot.jpg?max-age=3600")).status).toBe(200);
	});

	test("of a camera whose clock is out of all bounds is a picture like any other", async () => {
		using agent = await new WireAgent(relay.url, "far").publish();
		agent.sendFrame(jpeg, { rendition: TOP, captureTime: 1e300 });
		await until(() => agent.acks === 1, { what: "the frame at the relay" });
		const response = await get("/cameras/far/snapshot.jpg");
		expect([response.status, response.headers.get("x-capture-time")]).toEqual([
			200,
			"+275760-09-13T00:00:00.000Z",
		]);
	});

	test("somebody who gives up waiting is no viewer any more", async () => {
		using agent = await new WireAgent(relay.url, "impatient").publish();
		const leaving = new AbortController();
		const answer = fetch(`${relay.url}/cameras/impatient/snapshot.jpg`, { signal: leaving.signal });
		await demanded(agent, TOP);
		leaving.abort();
		await answer.catch(() => {});
		await until(async () => (await viewersOf("impatient")) === 0, { what: "no viewer" });
	});

	test.each([
		["quality=29", 'quality: expected a whole number from 30 to 95, got "29"'],
		["quality=96", 'quality: expected a whole number from 30 to 95, got "96"'],
		["quality=abc", 'quality: expected a whole number from 30 to 95, got "abc"'],
		["quality=50.5", 'quality: expected a whole number from 30 to 95, got "50.5"'],
		["quality=", 'quality: expected a whole number from 30 to 95, got ""'],
		["width=0", 'width: expected a whole number from 1 to 8192, got "0"'],
		["height=1e3", 'height: expected a whole number from 1 to 8192, got "1e3"'],
		["max-age=-1", 'max-age: expected a number from 0 to 86400, got "-1"'],
		["max-age=NaN", 'max-age: expected a number from 0 to 86400, got "NaN"'],
	])("?%s is refused in words", async (query, words) => {
		using _agent = await new WireAgent(relay.url, "strict").publish();
		const response = await get(`/cameras/strict/snapshot.jpg?${query}`);
		expect([response.status, await errorOf(response)]).toEqual([400, words]);
	});

	test("of a camera that does not exist is 404, also for names that are no names", async () => {
		for (const id of ["nobody", "..%2f..%2fetc", "%00", "a%0d%0aSet-Cookie:%20x"]) {
			const response = await get(`/cameras/${id}/snapshot.jpg`);
			expect([id, response.status]).toEqual([id, 404]);
			expect(response.headers.get("set-cookie")).toBeNull();
		}
	});

	test("changes nothing for whoever watches the same rendition", async () => {
		using agent = await new WireAgent(relay.url, "shared").publish();
		using client = new WireClient(`${relay.url}/watch`);
		await client.heard("welcome");
		client.watch({ shared: TOP });
		await demanded(agent, TOP);
		for (let i = 1; i <= 20; i++) {
			const answer = get("/cameras/shared/snapshot.jpg?max-age=0");
			await until(async () => (await viewersOf("shared")) === 2, { what: "the request", intervalMs: 1 });
			agent.sendFrame(jpeg, { rendition: TOP });
			expect((await answer).status).toBe(200);
			await until(() => client.frameCount === i, { what: `frame ${i}`, intervalMs: 1 });
		}
		expect(agent.demand?.renditions).toEqual([TOP]);
	});
});
