import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Choice } from "#shared/protocol.ts";
import { type Running, startRelay } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { smallJpeg, WireAgent } from "../support/wire-agent.ts";
import { WireClient } from "../support/wire-client.ts";

const HD = { width: 1280, height: 720 };
let relay: Running & { url: string };
let jpeg: Buffer;
beforeAll(async () => {
	[relay, jpeg] = await Promise.all([startRelay(), smallJpeg()]);
});
afterAll(() => relay[Symbol.asyncDispose]());

/** An agent whose camera says it is 720p; its frames stay small. */
async function camera(id: string): Promise<WireAgent> {
	const agent = await new WireAgent(relay.url, id).publish();
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

/** The newest choice of the camera, once it fits. */
function choice(client: WireClient, id: string, fits: Partial<Choice>): Promise<Choice> {
	return until(
		() => {
			const last = client.messages.findLast(({ type }) => type === "choice");
			const mine = (last?.cameras as Choice[] | undefined)?.find((one) => one.id === id);
			return mine && Object.entries(fits).every(([key, value]) => mine[key as keyof Choice] === value)
				? mine
				: null;
		},
		{ what: `a choice like ${JSON.stringify(fits)}` },
	);
}

describe("the page is told what it is sent as and what limits it", () => {
	test("joining: the smallest rung asks an unknown network, the first answer tells where to begin", async () => {
		using agent = await camera("joins");
		using client = await page();
		client.watch({ joins: null });
		expect(await choice(client, "joins", {})).toEqual({
			id: "joins",
			rendition: 0,
			limit: "network",
			change: "joined",
		});
		await until(() => agent.demand?.renditions.join() === "0", { what: "demand for the smallest" });
		agent.sendFrame(Buffer.concat([jpeg, Buffer.alloc(5_000), jpeg.subarray(-2)]), { rendition: 0 }); // what a small picture weighs
		await choice(client, "joins", { rendition: 3, limit: "network", change: "joined" });
		using returning = await page();
		returning.watch({ joins: null }, { rememberedBps: 100_000_000 });
		await choice(returning, "joins", { rendition: 8, limit: "none", change: "joined" });
		using slow = await page();
		slow.watch({ joins: null }, { rememberedBps: 300_000 });
		await choice(slow, "joins", { rendition: 0 });
	});

	test("a small window: the best rung of the least size that fills it", async () => {
		using _agent = await camera("small");
		using client = await page();
		client.watch({ small: null }, { rememberedBps: 100_000_000, camera: { maxLines: 300 } });
		await choice(client, "small", { rendition: 3, limit: "window" });
		client.watch({ small: null }, { camera: { maxLines: 100 } });
		await choice(client, "small", { rendition: 0, limit: "window", change: "window" });
	});

	test("a pin: that rung, the viewer's own choice, and back", async () => {
		using _agent = await camera("pinned");
		using client = await page();
		client.watch({ pinned: 7 });
		await choice(client, "pinned", { rendition: 7, limit: "choice", change: "joined" });
		client.watch({ pinned: 195 });
		await choice(client, "pinned", { rendition: 195, limit: "choice", change: "choice" });
		client.watch({ pinned: null });
		await choice(client, "pinned", { rendition: 0, change: "choice" });
	});

	test("an uplink too small for all wishes: fewer renditions, and whoever gets less is told why", async () => {
		using agent = await camera("narrow");
		using sharp = await page();
		using small = await page();
		sharp.watch({ narrow: 8 });
		small.watch({ narrow: 0 });
		await until(() => agent.demand?.renditions.join() === "0,8", { what: "demand for both" });
		agent.say({ type: "uplink", rateBps: 4_000_000 });
		await choice(sharp, "narrow", { limit: "uplink", change: "uplink" });
		const served = await choice(sharp, "narrow", {});
		expect(served.rendition).toBeLessThan(8);
		await choice(small, "narrow", { rendition: 0, limit: "choice" });
		for (const rung of agent.demand!.renditions) agent.sendFrame(jpeg, { rendition: rung });
		agent.say({ type: "uplink", rateBps: 400_000_000 });
		await choice(sharp, "narrow", { rendition: 8, limit: "choice", change: "uplink" });
	});
});

test("no crowd of viewers makes one camera encode more than four rungs", async () => {
	using agent = await camera("crowd");
	const clients = await Promise.all(Array.from({ length: 9 }, page));
	clients.forEach((client, rung) => {
		client.watch({ crowd: rung });
	});
	await until(() => clients.every(({ messages }) => messages.some(({ type }) => type === "choice")), {
		what: "every page's choice",
	});
	await until(() => agent.demand && agent.demand.renditions.length <= 4, {
		what: "at most four",
		timeoutMs: 8_000,
	});
	const lowest = Math.min(...agent.demand!.renditions);
	await choice(clients[0]!, "crowd", { rendition: lowest });
	for (const client of clients) client.close();
});
