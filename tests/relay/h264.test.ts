import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Choice } from "#shared/protocol.ts";
import { type Running, startRelay } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { CONFIG, IDR, SLICE, VideoAgent } from "../support/video-agent.ts";
import { smallJpeg } from "../support/wire-agent.ts";
import { WireClient } from "../support/wire-client.ts";

const HD = { width: 1280, height: 720 };
const BOTH = { codecs: ["jpeg", "h264"] as ("jpeg" | "h264")[] };

let relay: Running & { url: string };
let jpeg: Buffer;
beforeAll(async () => {
	[relay, jpeg] = await Promise.all([startRelay(), smallJpeg()]);
});
afterAll(() => relay[Symbol.asyncDispose]());

async function camera(id: string): Promise<VideoAgent> {
	const agent = new VideoAgent(relay.url, id);
	await agent.publish();
	agent.live(HD);
	await until(
		async () => {
			const report = await (await fetch(`${relay.url}/api/cameras/${id}`)).json();
			return (report as { source: { height: number } | null }).source?.height === HD.height;
		},
		{ what: "a 720p camera" },
	);
	return agent;
}

async function page(): Promise<WireClient> {
	const client = new WireClient(`${relay.url}/watch`);
	await client.heard("welcome");
	return client;
}

const arrived = (client: WireClient, count: number) =>
	until(() => client.frameCount >= count, { what: `${count} frames`, intervalMs: 1 });
const headersOf = (client: WireClient) => client.frames.map(({ header }) => header);

describe("H.264", () => {
	test("arrives byte for byte with its config, and nobody asks for the first key", async () => {
		using agent = await camera("video");
		using watching = await page();
		watching.watch({ video: 203 }, BOTH);
		await agent.demanded(203);
		agent.sendVideo(203, "key");
		agent.sendVideo(203, "delta");
		await arrived(watching, 2);
		const [first, second] = watching.frames;
		expect(first!.header).toMatchObject({ codec: "h264", isKey: true, seq: 0, config: CONFIG });
		expect(first!.body).toEqual(IDR);
		expect(second!.header).toMatchObject({ codec: "h264", isKey: false, seq: 1, config: null });
		expect(second!.body).toEqual(SLICE);
		expect(agent.keysAsked).toEqual([]);
	});

	test("is chosen for a page that decodes it; JPEG for one that does not say so", async () => {
		using agent = await camera("ladders");
		using modern = await page();
		using old = await page();
		modern.watch({ ladders: null }, { ...BOTH, rememberedBps: 100_000_000 });
		old.watch({ ladders: null }, { rememberedBps: 4_000_000 });
		await agent.demanded(1, 204);
		const chosen = async (client: WireClient) => ((await client.heard("choice")).cameras as Choice[])[0];
		expect(await chosen(modern)).toMatchObject({ rendition: 204, limit: "none" });
		expect(await chosen(old)).toMatchObject({ rendition: 1, limit: "network" });
	});

	test("is not chosen for a camera of which the page decodes JPEG alone, beside others of which it decodes both", async () => {
		using _agent = await camera("spoilt");
		using watching = await page();
		const sentAs = (codec: "jpeg" | "h264") => {
			const last = () => watching.messages.findLast(({ type }) => type === "choice")?.cameras as Choice[];
			const isIt = () => last()?.some(({ rendition }) => rendition >= 200 === (codec === "h264"));
			return until(isIt, { what: codec });
		};
		const ask = (codecs: "jpeg"[] | null) =>
			watching.watch({ spoilt: null }, { ...BOTH, rememberedBps: 100_000_000, camera: { codecs } });
		ask(null);
		await sentAs("h264");
		ask(["jpeg"]);
		await sentAs("jpeg");
		ask(null);
		await sentAs("h264");
	});

	test("a second viewer gets the newest JPEG at once, then everything from the key that is asked for it", async () => {
		using agent = await camera("second");
		using first = await page();
		using snapshots = await page();
		first.watch({ second: 204 }, BOTH);
		snapshots.watch({ second: 0 });
		await agent.demanded(0, 204);
		agent.sendVideo(204, "key");
		agent.sendVideo(204, "delta");
		agent.sendFrame(jpeg);
		await Promise.all([arrived(first, 2), arrived(snapshots, 1)]);
		using joiner = await page();
		joiner.watch({ second: 204 }, BOTH);
		expect((await joiner.frame()).header).toMatchObject({ codec: "jpeg", isCached: true });
		await until(() => agent.keysAsked.length > 0, { what: "a key to be asked for" });
		agent.sendVideo(204, "delta");
		agent.sendVideo(204, "key");
		agent.sendVideo(204, "delta");
		await Promise.all([arrived(joiner, 3), arrived(first, 5)]);
		expect(
			headersOf(joiner)
				.slice(1)
				.map(({ seq, isKey }) => [seq, isKey]),
		).toEqual([
			[3, true],
			[4, false],
		]);
		expect(headersOf(first).map(({ seq }) => seq)).toEqual([0, 1, 2, 3, 4]);
		expect(agent.keysAsked).toEqual([204]);
	});

	test("a change goes on with the old rendition until the new one's key", async () => {
		using agent = await camera("change");
		using watching = await page();
		watching.watch({ change: 201 }, BOTH);
		await agent.demanded(201);
		agent.sendVideo(201, "key");
		watching.watch({ change: 204 }, BOTH);
		await agent.demanded(201, 204);
		agent.sendVideo(204, "delta"); // of encoders that were asked by nobody: nothing to begin with
		agent.sendVideo(201, "delta");
		agent.sendVideo(204, "key");
		agent.sendVideo(201, "delta");
		agent.sendVideo(204, "delta");
		await arrived(watching, 4);
		expect(headersOf(watching).map(({ rendition, seq }) => [rendition, seq])).toEqual([
			[201, 0],
			[201, 1],
			[204, 1],
			[204, 2],
		]);
		await agent.demanded(204);
	});

	test("a page that says it needs a key gets nothing before one", async () => {
		using agent = await camera("restarts");
		using watching = await page();
		watching.watch({ restarts: 202 }, BOTH);
		await agent.demanded(202);
		agent.sendVideo(202, "key");
		await arrived(watching, 1);
		watching.say({ type: "key", camera: "restarts" });
		watching.say({ type: "key", camera: "restarts" });
		watching.say({ type: "key", camera: "elsewhere" });
		await until(() => agent.keysAsked.length > 0, { what: "a key to be asked for" });
		agent.sendVideo(202, "delta");
		agent.sendVideo(202, "key");
		await arrived(watching, 2);
		expect(headersOf(watching).map(({ seq }) => seq)).toEqual([0, 2]);
		expect(agent.keysAsked).toEqual([202]);
	});

	test("a refused frame breaks the chain for its viewers, and a key is asked for", async () => {
		using agent = await camera("broken");
		using watching = await page();
		watching.watch({ broken: 202 }, BOTH);
		await agent.demanded(202);
		agent.sendVideo(202, "key");
		await arrived(watching, 1);
		agent.sendVideo(202, "delta", { config: CONFIG });
		expect(await agent.heard("refused")).toMatchObject({ camera: "broken", reason: "bad-frame" });
		agent.sendVideo(202, "delta");
		await until(() => agent.keysAsked.length > 0, { what: "a key to be asked for" });
		agent.sendVideo(202, "key");
		await arrived(watching, 2);
		expect(headersOf(watching).map(({ seq }) => seq)).toEqual([0, 3]);
	});

	test("an encoder that began anew: its key is next, and nothing of the old epoch follows", async () => {
		using agent = await camera("anew");
		using watching = await page();
		watching.watch({ anew: 202 }, BOTH);
		await agent.demanded(202);
		agent.sendVideo(202, "key", { epoch: 5 });
		agent.sendVideo(202, "key", { epoch: 6, seq: 0 });
		agent.sendVideo(202, "delta", { epoch: 5, seq: 1 });
		agent.sendVideo(202, "delta", { epoch: 6, seq: 1 });
		await arrived(watching, 3);
		expect(headersOf(watching).map(({ epoch, seq }) => [epoch, seq])).toEqual([
			[5, 0],
			[6, 0],
			[6, 1],
		]);
	});

	test("is named in the camera's report, with who watches it", async () => {
		using agent = await camera("report");
		using watching = await page();
		watching.watch({ report: 204 }, BOTH);
		await agent.demanded(204);
		const { ladder } = (await (await fetch(`${relay.url}/api/cameras/report`)).json()) as {
			ladder: unknown[];
		};
		expect(ladder).toContainEqual(
			expect.objectContaining({ id: 204, codec: "h264", maxBps: 3_000_000, viewers: 1 }),
		);
	});
});
