import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { encodeAck } from "#shared/ack.ts";
import { CLOSE } from "#shared/close.ts";
import { encodeHeader, MAX_BODY_BYTES } from "#shared/frame.ts";
import { decodePong, encodePing } from "#shared/ping.ts";
import vectors from "#shared/vectors.json";
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
const viewer = (habits = {}) => new WireClient(`${relay.url}/watch`, habits);

describe("the greeting", () => {
	test.each(["publish", "watch"])("another protocol on /%s is closed with 4406 and words", async (path) => {
		using client = new WireClient(`${relay.url}/${path}`, { greets: false });
		client.socket.addEventListener("open", () =>
			client.say({ type: "hello", protocol: 2, software: "newer" }),
		);
		expect(await client.ended()).toMatchObject({ code: CLOSE.version });
		expect(client.closed?.reason).toContain("this side is older");
	});

	test.each(["publish", "watch"])("anything before hello on /%s is closed with 4400", async (path) => {
		for (const first of ['{"type":"watch","cameras":[]}', "42", "", "true", encodePing({ sentTime: 1 })]) {
			using client = new WireClient(`${relay.url}/${path}`, { greets: false });
			client.socket.addEventListener("open", () => client.socket.send(first));
			expect(await client.ended()).toMatchObject({ code: CLOSE.badMessage });
		}
	});

	test("whoever never says hello is closed with 4408", async () => {
		using client = viewer({ greets: false });
		expect(await client.ended()).toMatchObject({ code: CLOSE.timeout });
	});

	test("a peer that stops answering is closed with 4408", async () => {
		using client = viewer({ answers: false });
		await client.heard("welcome");
		expect(await client.ended()).toMatchObject({ code: CLOSE.timeout, reason: "nothing heard for 4 s" });
	});
});

describe("bad messages", () => {
	test.each(vectors.badText.filter(({ who }) => who === "viewer" || who === "agent"))(
		"of $who are closed with 4400 naming $error",
		async ({ who, value, error }) => {
			using client = new WireClient(`${relay.url}/${who === "agent" ? "publish" : "watch"}`);
			await client.heard("welcome");
			client.say(value);
			expect(await client.ended()).toMatchObject({ code: CLOSE.badMessage });
			expect(client.closed?.reason).toContain(error);
		},
	);

	test.each(vectors.malformed.filter(({ hex }) => hex !== "").map((row) => [row.name, row.hex] as const))(
		"binary to both ends: %s",
		async (_, hex) => {
			for (const path of ["publish", "watch"]) {
				using client = new WireClient(`${relay.url}/${path}`);
				await client.heard("welcome");
				client.send(Uint8Array.fromHex(hex));
				expect(await client.ended()).toMatchObject({ code: CLOSE.badMessage });
			}
		},
	);

	test("an agent may not send frames of a channel that is not its own", async () => {
		using agent = await new WireAgent(relay.url, "foreign").publish();
		agent.sendFrame(jpeg, { channel: 60_000 });
		expect(await agent.ended()).toMatchObject({ code: CLOSE.badMessage });
		expect(agent.closed?.reason).toContain("channel");
	});

	test("a body of another length than its header says is closed with 4400", async () => {
		using agent = await new WireAgent(relay.url, "shortbody").publish();
		agent.sendFrame(jpeg, { bodyBytes: jpeg.length + 1 });
		expect(await agent.ended()).toMatchObject({ code: CLOSE.badMessage });
	});
});

describe("frames", () => {
	test("arrive byte for byte, binary, with header, times and codec intact", async () => {
		using agent = await new WireAgent(relay.url, "intact").publish();
		using watching = viewer();
		await watching.heard("welcome");
		watching.watch({ intact: 0 });
		await until(() => agent.demand?.renditions.includes(0), { what: "demand for rendition 0" });
		const sent = agent.sendFrame(jpeg);
		const { header, body, receiveTime } = await watching.frame();
		expect(Buffer.compare(body, jpeg)).toBe(0);
		const { relayTime, sendTime, delivery, ...rest } = header;
		const { relayTime: _r, sendTime: _s, delivery: _d, ...expected } = sent;
		expect(rest).toEqual(expected);
		expect(delivery).toBe(0);
		expect(relayTime).toBeGreaterThan(sent.captureTime - 1);
		expect(sendTime).toBeGreaterThanOrEqual(relayTime);
		expect(receiveTime).toBeGreaterThan(sendTime - 1);
	});

	test("are acknowledged to the agent, one ack a frame, also when nobody watches or the frame is refused", async () => {
		using agent = await new WireAgent(relay.url, "acked").publish();
		for (let i = 0; i < 5; i++) agent.sendFrame(jpeg);
		agent.sendFrame(jpeg, { width: 65 });
		await until(() => agent.acks === 6, { what: "six acks" });
	});

	test("the newest is sent to a late joiner at once, marked as cached", async () => {
		using agent = await new WireAgent(relay.url, "late").publish();
		agent.sendFrame(jpeg);
		const newest = agent.sendFrame(jpeg);
		await until(() => agent.acks === 2, { what: "both frames at the relay" });
		using joiner = viewer();
		await joiner.heard("welcome");
		joiner.watch({ late: 3 });
		const { header } = await joiner.frame();
		expect(header).toMatchObject({ isCached: true, seq: newest.seq, rendition: 0 });
		agent.sendFrame(jpeg, { rendition: 3 });
		expect((await joiner.frame((frame) => frame.header.rendition === 3)).header.isCached).toBe(false);
	});

	test("of an epoch that is over are never passed on", async () => {
		using agent = await new WireAgent(relay.url, "epochs").publish();
		using watching = viewer();
		await watching.heard("welcome");
		watching.watch({ epochs: 0 });
		await until(() => agent.demand, { what: "demand" });
		agent.sendFrame(jpeg, { epoch: 9 });
		agent.sendFrame(jpeg, { epoch: 8 });
		agent.sendFrame(jpeg, { epoch: 9 });
		await until(() => watching.frameCount === 2, { what: "two frames" });
		expect(watching.frames.map(({ header }) => header.epoch)).toEqual([9, 9]);
	});

	const lies = [
		["a JPEG of another size than its header says", { width: 65 }, null, "bad-frame"],
		["bytes that are no JPEG", {}, Buffer.from("not a picture"), "bad-frame"],
		["a JPEG cut short", {}, "cut", "bad-frame"],
		["a frame over the size limit", {}, Buffer.alloc(MAX_BODY_BYTES + 1), "frame-too-large"],
		["a codec nobody offered", { codec: "h264" }, null, "bad-frame"],
	] as const;
	test.each(lies.map((row, i) => [...row, `liar-${i}`] as const))(
		"%s is refused in words, and the next frame is shown",
		async (_, change, bytes, reason, id) => {
			using agent = await new WireAgent(relay.url, id).publish();
			using watching = viewer();
			await watching.heard("welcome");
			watching.watch({ [id]: 0 });
			await until(() => agent.demand, { what: "demand" });
			const body = bytes === "cut" ? jpeg.subarray(0, -20) : (bytes ?? jpeg);
			agent.sendFrame(body, change);
			expect(await agent.heard("refused")).toMatchObject({ camera: id, reason });
			const good = agent.sendFrame(jpeg);
			expect((await watching.frame()).header.seq).toBe(good.seq);
			expect((await report(id)).counters.received).toMatchObject({ frames: 1, refused: 1 });
		},
	);
});

describe("demand", () => {
	test("is exact per rendition, repeated until confirmed, and empty 2 s after the last viewer left", async () => {
		using agent = await new WireAgent(relay.url, "exact").publish();
		using one = viewer();
		using two = viewer();
		await Promise.all([one.heard("welcome"), two.heard("welcome")]);
		one.watch({ exact: 1 });
		two.watch({ exact: 4 });
		await until(() => agent.demand?.renditions.join() === "1,4", { what: "demand for 1 and 4" });
		const { version } = agent.demand!;
		const count = () => agent.messages.filter((message) => message.version === version).length;
		await until(() => count() >= 2, { what: "the demand to be repeated" });
		agent.confirm();
		const leftTime = performance.now();
		one.close();
		two.close();
		await until(() => agent.demand?.renditions.length === 0, { what: "no demand" });
		expect(performance.now() - leftTime).toBeGreaterThan(1_900);
		expect(agent.demand!.version).toBeGreaterThan(version);
	});

	test("a change of rendition keeps the old one until the new one's first frame, on the same connection", async () => {
		using agent = await new WireAgent(relay.url, "switch").publish();
		using watching = viewer();
		await watching.heard("welcome");
		watching.watch({ switch: 1 });
		await until(() => agent.demand?.renditions.join() === "1", { what: "demand for 1" });
		agent.sendFrame(jpeg, { rendition: 1 });
		watching.watch({ switch: 4 });
		await until(() => agent.demand?.renditions.join() === "1,4", { what: "demand for both" });
		agent.sendFrame(jpeg, { rendition: 1 });
		agent.sendFrame(jpeg, { rendition: 4 });
		await until(() => watching.frameCount === 3, { what: "three frames" });
		expect(watching.frames.map(({ header }) => header.rendition)).toEqual([1, 1, 4]);
		await until(() => agent.demand?.renditions.join() === "4", { what: "demand for 4 alone" });
		expect((await report("switch")).viewers).toBe(1);
	});

	test("an empty watch list stops the frames and keeps the connection", async () => {
		using agent = await new WireAgent(relay.url, "hidden").publish();
		using watching = viewer();
		await watching.heard("welcome");
		watching.watch({ hidden: 0 });
		await until(() => agent.demand?.renditions.length === 1, { what: "demand" });
		watching.watch({});
		await until(() => agent.demand?.renditions.length === 0, { what: "no demand" });
		agent.sendFrame(jpeg);
		await until(() => agent.acks === 1, { what: "the frame at the relay" });
		expect([watching.frameCount, watching.closed]).toEqual([0, null]);
		watching.watch({ hidden: 0 });
		expect((await watching.frame()).header.isCached).toBe(true);
	});

	test("an unknown camera or rendition is refused and everything else stays", async () => {
		using agent = await new WireAgent(relay.url, "choosy").publish();
		using watching = viewer();
		await watching.heard("welcome");
		watching.watch({ choosy: 2 });
		await until(() => agent.demand?.renditions.join() === "2", { what: "demand for 2" });
		watching.watch({ choosy: 77, nowhere: null });
		await watching.heard("refused", ({ reason }) => reason === "unknown-camera");
		await watching.heard("refused", ({ reason }) => reason === "unknown-rendition");
		expect((await report("choosy")).demand).toEqual([2]);
		agent.sendFrame(jpeg, { rendition: 2 });
		expect((await watching.frame()).header.rendition).toBe(2);
	});

	test("a source that changes size moves its viewers to the nearest rung that still exists", async () => {
		using agent = await new WireAgent(relay.url, "shrinks").publish();
		agent.live({ width: 1920, height: 1080 });
		using watching = viewer();
		await watching.heard("cameras", ({ cameras }) => JSON.stringify(cameras).includes('"width":1920'));
		watching.watch({ shrinks: 9 });
		await until(() => agent.demand?.renditions.join() === "9", { what: "demand for rung 9" });
		agent.live({ width: 1280, height: 720 });
		await until(() => agent.demand?.renditions.includes(8), { what: "demand for rung 8" });
	});
});

describe("agents", () => {
	test("a second one for the same camera is told so, and the first goes on", async () => {
		using first = await new WireAgent(relay.url, "claimed").publish("one");
		using second = new WireAgent(relay.url, "claimed");
		await second.heard("welcome");
		second.say({ type: "publish", instance: "two", cameras: [{ id: "claimed", name: "x" }] });
		expect(await second.ended()).toMatchObject({ code: CLOSE.cameraTaken });
		expect(second.closed?.reason).toContain("claimed");
		first.sendFrame(jpeg);
		await until(() => first.acks === 1, { what: "the first agent's ack" });
		expect(first.closed).toBeNull();
	});

	test("the same agent's newer connection takes over, with a greater epoch and the same channel", async () => {
		using first = await new WireAgent(relay.url, "again").publish("same");
		first.sendFrame(jpeg, { epoch: 41 });
		await until(() => first.acks === 1, { what: "an ack" });
		using second = await new WireAgent(relay.url, "again").publish("same");
		expect(await first.ended()).toMatchObject({ code: CLOSE.replaced });
		const given = (agent: WireAgent) => agent.messages.find(({ type }) => type === "channels")?.cameras;
		const [before] = given(first) as { channel: number }[];
		expect(given(second)).toEqual([{ ...before, epoch: 41 }]);
		expect((await report("again")).state).toBe("live");
	});

	test("when one goes, its viewers are told why, stay connected, and get the next one's frames", async () => {
		const first = await new WireAgent(relay.url, "comeback").publish();
		using watching = viewer();
		await watching.heard("welcome");
		watching.watch({ comeback: 0 });
		await until(() => first.demand, { what: "demand" });
		first.close();
		await watching.heard("cameras", ({ cameras }) =>
			(cameras as { id: string; reason: string }[]).some(
				({ id, reason }) => id === "comeback" && reason === "agent-gone",
			),
		);
		using second = await new WireAgent(relay.url, "comeback").publish("another instance");
		await until(() => second.demand?.renditions.includes(0), { what: "demand at the new agent" });
		second.sendFrame(jpeg);
		await watching.frame();
		expect(watching.closed).toBeNull();
	});

	test("a camera that leaves an agent's list leaves the relay", async () => {
		using agent = await new WireAgent(relay.url, "short-lived").publish("i");
		agent.say({ type: "publish", instance: "i", cameras: [] });
		await until(async () => (await fetch(`${relay.url}/api/cameras/short-lived`)).status === 404, {
			what: "the camera to be gone",
		});
	});
});

describe("one viewer", () => {
	test("that never acknowledges gets one frame, holds one, and changes nothing for another", async () => {
		using agent = await new WireAgent(relay.url, "unfair").publish();
		using mute = viewer({ acks: false });
		using good = viewer();
		await Promise.all([mute.heard("welcome"), good.heard("welcome")]);
		mute.watch({ unfair: 0 });
		good.watch({ unfair: 0 });
		await until(() => agent.demand, { what: "demand" });
		for (let i = 1; i <= 50; i++) {
			agent.sendFrame(jpeg);
			await until(() => good.frameCount === i, { what: `frame ${i}`, intervalMs: 1 });
		}
		expect(mute.frameCount).toBe(1);
		const { delivery } = (await report("unfair")).counters;
		expect(delivery).toEqual({ offered: 100, sent: 51, replaced: 48, dropped: 0, notDue: 0, waiting: 1 });
	});

	test("that acknowledges what was never sent gets one frame at a time", async () => {
		using agent = await new WireAgent(relay.url, "liar").publish();
		using lying = viewer({ acks: false });
		await lying.heard("welcome");
		lying.watch({ liar: 0 });
		await until(() => agent.demand, { what: "demand" });
		agent.sendFrame(jpeg);
		await lying.frame();
		for (let delivery = 0; delivery < 20; delivery++)
			lying.send(encodeAck({ delivery: delivery * 7 + 1, headerTime: 1, bodyTime: 2 }));
		for (let i = 0; i < 20; i++) agent.sendFrame(jpeg);
		await until(() => agent.acks === 21, { what: "all frames at the relay" });
		expect(lying.frameCount).toBeLessThanOrEqual(2);
		expect(lying.closed).toBeNull();
	});
});

test("pings are answered with the relay's time", async () => {
	using client = viewer();
	await client.heard("welcome");
	const answers: ArrayBuffer[] = [];
	client.socket.addEventListener("message", ({ data }) => {
		if (typeof data !== "string" && new Uint8Array(data)[0] === 4) answers.push(data);
	});
	client.send(encodePing({ sentTime: 12.5 }));
	const answer = await until(() => answers[0], { what: "a pong" });
	const { sentTime, answerTime } = decodePong(new Uint8Array(answer));
	expect(sentTime).toBe(12.5);
	expect(Math.abs(answerTime - Date.now())).toBeLessThan(5_000);
});

test("a WebSocket message over 8 MiB ends that connection alone", async () => {
	using agent = await new WireAgent(relay.url, "huge").publish();
	using other = await new WireAgent(relay.url, "modest").publish();
	agent.send(encodeHeader({ ...agent.sendFrame(jpeg), bodyBytes: 9_000_000 }), new Uint8Array(9_000_000));
	await agent.ended();
	other.sendFrame(jpeg);
	await until(() => other.acks === 1, { what: "the other agent's ack" });
});
