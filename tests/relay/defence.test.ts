import { afterAll, beforeAll, expect, test } from "bun:test";
import { CLOSE } from "#shared/close.ts";
import { renditionsFor } from "#shared/ladder.ts";
import { type Running, startRelay } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { smallJpeg, WireAgent } from "../support/wire-agent.ts";
import { WireClient } from "../support/wire-client.ts";

let relay: Running & { url: string };
let jpeg: Buffer;
beforeAll(async () => {
	[relay, jpeg] = await Promise.all([startRelay(), smallJpeg()]);
});
afterAll(() => relay[Symbol.asyncDispose]());

const report = async (id: string) => (await fetch(`${relay.url}/api/cameras/${id}`)).json();

async function page(): Promise<WireClient> {
	const client = new WireClient(`${relay.url}/watch`);
	await client.heard("welcome");
	return client;
}

/** Says that the camera is live with these renditions. */
function announce(agent: WireAgent, renditions: readonly object[]): void {
	agent.say({
		type: "camera",
		id: agent.id,
		state: "live",
		reason: null,
		detail: null,
		source: { width: 64, height: 48, framesPerSecond: 30 },
		renditions,
	});
}

test("an agent that takes its ladder away costs nobody the connection", async () => {
	using agent = await new WireAgent(relay.url, "bare").publish();
	using client = await page();
	client.watch({ bare: null });
	await until(() => agent.demand?.renditions.length, { what: "demand" });
	agent.sendFrame(jpeg, { rendition: agent.demand!.renditions[0]! });
	await client.frame();
	announce(agent, []);
	for (let i = 0; i < 10; i++) agent.sendFrame(jpeg);
	await until(() => agent.acks === 11, { what: "the frames at the relay" });
	const told = () => {
		const news = client.messages.findLast(({ type }) => type === "cameras");
		const cameras = news?.cameras as { id: string; renditions: unknown[] }[] | undefined;
		return cameras?.find(({ id }) => id === "bare")?.renditions.length;
	};
	await until(() => told() === 0, { what: "the news of no ladder" });
	agent.live();
	await until(() => told(), { what: "the news of a ladder" });
	expect((await (await fetch(`${relay.url}/healthz`)).json()) as object).toEqual({ status: "ok", faults: 0 });
	expect([agent.closed, client.closed]).toEqual([null, null]);
});

test("a camera that stands twice in a watch list is refused, and nothing is left behind", async () => {
	using agent = await new WireAgent(relay.url, "twice").publish();
	using client = await page();
	const camera = { id: "twice", maxLines: null, maxFramesPerSecond: null, isFocused: false };
	client.say({
		type: "watch",
		mode: "balanced",
		rememberedBps: null,
		cameras: [1, 2].map((rendition) => ({ ...camera, rendition })),
	});
	expect(await client.ended()).toMatchObject({ code: CLOSE.badMessage });
	expect((await report("twice")).viewers).toBe(0);
	expect(agent.demand?.renditions ?? []).toEqual([]);
});

const rung = renditionsFor({ width: 64, height: 48 })[0]!;
test.each([
	["a ladder that does not start at 0", [{ ...rung, id: 1 }]],
	["an id that stands there twice", [rung, { ...rung, offer: "request" }]],
	["more rungs than can be weighed", Array.from({ length: 13 }, (_, id) => ({ ...rung, id }))],
])("%s closes the agent with 4400", async (_, renditions) => {
	using agent = await new WireAgent(relay.url, "ladders").publish();
	announce(agent, renditions);
	expect(await agent.ended()).toMatchObject({ code: CLOSE.badMessage });
	expect(agent.closed?.reason).toContain("camera.renditions");
});

test.each([
	[
		"larger than its rendition",
		async () => ({ body: await smallJpeg({ width: 640, height: 480 }), width: 640, height: 480 }),
	],
	["of a rendition nobody announced", async () => ({ body: jpeg, rendition: 77 })],
	["of an epoch far in the future", async () => ({ body: jpeg, epoch: 0xffff_ffff })],
])("a frame %s is refused, and the camera stays usable", async (_, lie) => {
	using agent = await new WireAgent(relay.url, "bombs").publish();
	using client = await page();
	client.watch({ bombs: 0 });
	await until(() => agent.demand?.renditions.length, { what: "demand" });
	const { body, ...change } = await lie();
	agent.sendFrame(body, change);
	expect(await agent.heard("refused")).toMatchObject({ reason: "bad-frame" });
	agent.sendFrame(jpeg);
	await client.frame();
});

test("a joiner's first frame is of its own rendition or the smallest there is, never the largest", async () => {
	using agent = await new WireAgent(relay.url, "sizes").publish();
	using one = await page();
	using two = await page();
	one.watch({ sizes: 4 });
	two.watch({ sizes: 1 });
	await until(() => agent.demand?.renditions.join() === "1,4", { what: "demand for both" });
	const noise = await smallJpeg({ width: 64, height: 48 }, "#123456");
	agent.sendFrame(jpeg, { rendition: 1 });
	agent.sendFrame(Buffer.concat([noise.subarray(0, -2), Buffer.alloc(50_000), noise.subarray(-2)]), {
		rendition: 4,
	});
	await Promise.all([one.frame(), two.frame()]);
	using joiner = await page();
	joiner.watch({ sizes: 0 });
	expect((await joiner.frame()).header.rendition).toBe(1);
});

test("at most two renditions are made by name, whoever asks; the others get the nearest", async () => {
	using agent = await new WireAgent(relay.url, "names").publish();
	const clients = await Promise.all([30, 50, 70, 95].map(page));
	[130, 150, 170, 195].forEach((rendition, i) => {
		clients[i]!.watch({ names: rendition });
	});
	await until(() => clients.every(({ messages }) => messages.some(({ type }) => type === "choice")), {
		what: "every page's choice",
	});
	await until(() => agent.demand?.renditions.length === 2, { what: "two renditions", timeoutMs: 8_000 });
	for (const client of clients) client.close();
});

test("the first viewer of a camera that was idle gets its rung at once, however small the other's share", async () => {
	using busy = await new WireAgent(relay.url, "idle-a").publish("one");
	busy.say({
		type: "publish",
		instance: "one",
		cameras: ["idle-a", "idle-b"].map((id) => ({ id, name: id })),
	});
	for (const id of ["idle-a", "idle-b"])
		busy.say({
			type: "camera",
			id,
			state: "live",
			reason: null,
			detail: null,
			source: { width: 1280, height: 720, framesPerSecond: 30 },
			renditions: renditionsFor({ width: 1280, height: 720 }),
		});
	busy.say({ type: "uplink", rateBps: 300_000_000 });
	using client = await page();
	client.watch({ "idle-b": 6 });
	const choice = await client.heard("choice", ({ cameras }) => (cameras as object[]).length === 1);
	expect(choice.cameras).toMatchObject([{ rendition: 6, limit: "choice" }]);
});

test("an agent whose new list claims another's camera is refused before its own connection is touched", async () => {
	using mine = await new WireAgent(relay.url, "own").publish("a");
	using theirs = await new WireAgent(relay.url, "other").publish("b");
	using again = new WireAgent(relay.url, "own");
	await again.heard("welcome");
	again.say({ type: "publish", instance: "a", cameras: ["own", "other"].map((id) => ({ id, name: id })) });
	expect(await again.ended()).toMatchObject({ code: CLOSE.cameraTaken });
	for (const agent of [mine, theirs]) {
		agent.sendFrame(jpeg);
		await until(() => agent.acks === 1, { what: "an ack" });
	}
});
