import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import sharp from "sharp";
import { readPixelClock } from "#shared/pixel-clock.ts";
import { MultipartReader } from "../../support/multipart-reader.ts";
import { type Running, startAgent, startRelay } from "../../support/processes.ts";
import { until } from "../../support/until.ts";
import { VideoAgent } from "../../support/video-agent.ts";
import { smallJpeg } from "../../support/wire-agent.ts";
import { WireClient } from "../../support/wire-client.ts";

const HD = { width: 1280, height: 720 };
const BOTH = { codecs: ["jpeg", "h264"] as ("jpeg" | "h264")[] };
const VIDEO = 203;

let relay: Running & { url: string };
beforeAll(async () => {
	relay = await startRelay();
});
afterAll(() => relay[Symbol.asyncDispose]());

/** A live 720p camera with both ladders that nobody has seen a picture of. */
async function camera(id: string): Promise<VideoAgent> {
	const agent = await new VideoAgent(relay.url, id).publish();
	agent.live(HD);
	const heightOf = async () => {
		const report = await (await fetch(`${relay.url}/api/cameras/${id}`)).json();
		return (report as { source: { height: number } | null }).source?.height;
	};
	await until(async () => (await heightOf()) === HD.height, { what: "a 720p camera" });
	return agent;
}

async function page(id: string, habits: { acks?: boolean } = {}): Promise<WireClient> {
	const client = new WireClient(`${relay.url}/watch`, habits);
	await client.heard("welcome");
	client.watch({ [id]: VIDEO }, BOTH);
	return client;
}

describe("a camera that pages watch as H.264", () => {
	test("is JPEG for other programs: what they wait for is a picture, what they get is nothing else", async () => {
		using agent = await camera("both");
		using watching = await page("both");
		await agent.demanded(VIDEO);
		agent.sendVideo(VIDEO, "key");
		await watching.frame();
		const snapshot = fetch(`${relay.url}/cameras/both/snapshot.jpg?height=360`);
		const opening = MultipartReader.open(`${relay.url}/cameras/both/stream.mjpg?height=360`);
		const rendition = 3; // 360p q60
		await agent.demanded(rendition, VIDEO);
		agent.sendVideo(VIDEO, "delta");
		const jpeg = await smallJpeg();
		agent.sendFrame(jpeg, { rendition });
		await using stream = await opening;
		for (let i = 0; i < 5; i++) {
			expect((await stream.next())!.body.equals(jpeg)).toBe(true);
			agent.sendVideo(VIDEO, i === 2 ? "key" : "delta");
			agent.sendFrame(jpeg, { rendition });
		}
		expect(Buffer.from(await (await snapshot).arrayBuffer()).equals(jpeg)).toBe(true);
		expect(agent.keysAsked).toEqual([]);
		await until(() => watching.frameCount === 7, { what: "every frame at the page" });
	});

	test("of a real agent too: both at once, each decodable", async () => {
		await using own = await startRelay();
		await using _agent = startAgent({ relayUrl: own.url, camera: "test:" });
		await until(async () => (await fetch(`${own.url}/readyz`)).ok, { what: "the camera", timeoutMs: 15_000 });
		using watching = new WireClient(`${own.url}/watch`);
		await watching.heard("welcome");
		watching.watch({ "test-card": 204 }, BOTH);
		await watching.frame(({ header }) => header.codec === "h264");
		await using stream = await MultipartReader.open(`${own.url}/cameras/test-card/stream.mjpg?height=360`);
		let clock = Number.NEGATIVE_INFINITY;
		for (let i = 0; i < 5; i++) {
			const picture = sharp((await stream.next())!.body)
				.removeAlpha()
				.raw();
			const { data, info } = await picture.toBuffer({ resolveWithObject: true });
			expect([info.width, info.height]).toEqual([640, 360]);
			const time = readPixelClock(data, { width: info.width, height: info.height, channels: 3 })!;
			expect(time).toBeGreaterThan(clock);
			clock = time;
		}
		const before = watching.frameCount;
		await until(() => watching.frameCount > before, { what: "the page's next frame" });
	}, 30_000);
});

test("/metrics: every frame for every viewer is sent, waits, or is lost for one reason, keys and deltas alike", async () => {
	using agent = await camera("counted");
	using good = await page("counted");
	using mute = await page("counted", { acks: false });
	await agent.demanded(VIDEO);
	const viewers = async () => {
		const answer = await fetch(`${relay.url}/api/cameras/counted`);
		return (await answer.json()) as {
			viewers: number;
			counters: { delivery: { sent: number; waiting: number; replaced: number } };
		};
	};
	await until(async () => (await viewers()).viewers === 2, { what: "both viewers" });
	const counters = async () => {
		const text = await (await fetch(`${relay.url}/metrics`)).text();
		const value = (name: string, more = "") =>
			Number(new RegExp(`^sightline_${name}{camera="counted"${more}} (\\d+)$`, "m").exec(text)![1]);
		const lost = (reason: string) => value("frames_lost_total", `,reason="${reason}"`);
		return {
			received: value("frames_received_total"),
			sent: value("frames_sent_total"),
			replaced: lost("replaced"),
			awaitingKey: lost("awaiting_key"),
			others: lost("dropped") + lost("not_due"),
		};
	};
	let frames = 0;
	const send = async (kind: "key" | "delta") => {
		agent.sendVideo(VIDEO, kind);
		frames++;
		await until(() => good.frameCount === frames, { what: `frame ${frames}`, intervalMs: 1 });
	};
	const expectCounted = async () => {
		const told = await counters();
		const { delivery } = (await viewers()).counters;
		expect(told.received).toBe(frames);
		expect(told.sent + told.replaced + told.awaitingKey + told.others + delivery.waiting).toBe(2 * frames);
		expect([told.sent, told.replaced]).toEqual([delivery.sent, delivery.replaced]);
		return told;
	};
	await send("key");
	for (let i = 0; i < 10; i++) await send("delta");
	// The one that acknowledges nothing got the key; what waits for it is given up.
	await until(async () => (await counters()).replaced > 0, { what: "what waited to be given up" });
	const { awaitingKey } = await expectCounted();
	for (let i = 0; i < 5; i++) await send("delta");
	expect((await expectCounted()).awaitingKey).toBe(awaitingKey + 5);
	const { replaced } = await counters();
	for (const kind of ["key", "delta", "delta", "key"] as const) await send(kind);
	expect((await expectCounted()).replaced).toBe(replaced + 3); // the last key is all that waits
	expect(mute.frameCount).toBe(1);
	expect((await counters()).others).toBe(0);
});
