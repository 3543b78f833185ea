import { afterAll, beforeAll, expect, test } from "bun:test";
import type { OperatorReport } from "#shared/access.ts";
import { CLOSE } from "#shared/close.ts";
import { qualityId } from "#shared/ladder.ts";
import { listening, Running } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { smallJpeg, WireAgent } from "../support/wire-agent.ts";
import { WireClient } from "../support/wire-client.ts";
import { KEYS, PASSWORDS, playAll, type Secured, startSecured } from "./secured.ts";

let relay: Secured;
let playing: Disposable;
beforeAll(async () => {
	relay = await startSecured({ VIEWERS: "public" });
	playing = await playAll(relay);
});
afterAll(async () => {
	playing[Symbol.dispose]();
	await relay[Symbol.asyncDispose]();
});

/** What a WebSocket client asks with. */
const UPGRADE = {
	Connection: "Upgrade",
	Upgrade: "websocket",
	"Sec-WebSocket-Version": "13",
	"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
};

test("a viewer that floods is closed, and another's frames go on", async () => {
	using good = relay.watcher();
	await good.heard("cameras");
	good.watch({ lobby: 0 });
	await good.frame();
	using texts = relay.watcher();
	await texts.heard("welcome");
	for (let i = 0; i < 500; i++) texts.watch({});
	expect(await texts.ended()).toEqual({ code: CLOSE.flooding, reason: "too many messages" });
	using binaries = relay.watcher();
	await binaries.heard("welcome");
	const ping = new Uint8Array([3, 0, 0, 0, 0, 0, 0, 0, 0]);
	for (let i = 0; i < 20_000; i++) binaries.send(ping);
	expect(await binaries.ended()).toMatchObject({ code: CLOSE.flooding });
	const before = good.frameCount;
	await until(() => good.frameCount > before + 3, { what: "frames of the good viewer" });
	expect(good.closed).toBeNull();
});

test("one address, and the relay, take only so many connections; the next is answered with 503 at once", async () => {
	await using small = await startSecured({ VIEWERS: "public", MAX_CONNECTIONS_PER_ADDRESS: "3" });
	const status = async () => {
		const answer = await small.get("/watch", UPGRADE);
		return [answer.status, answer.headers.get("retry-after")];
	};
	const clients = [small.watcher(), small.watcher(), small.watcher()];
	for (const client of clients) await client.heard("welcome");
	expect(await status()).toEqual([503, "10"]);
	clients[0]!.close();
	await until(
		async () => {
			using another = small.watcher();
			return await another.heard("welcome").catch(() => null);
		},
		{ what: "room for another", timeoutMs: 15_000 },
	);
	for (const client of clients) client.close();
});

test.skipIf(process.platform !== "linux")(
	"more dials than the system has open files for: what fits is served, the rest is refused, nothing spins",
	async () => {
		const command = ["bash", "-c", 'ulimit -n 200; exec "$0" relay/main.ts', process.execPath];
		await using own = await listening(new Running({ name: "relay", command, env: { PORT: "0" } }));
		const clients = Array.from({ length: 400 }, () => new WireClient(`${own.url}/watch`));
		const fates = () =>
			clients.map(({ messages, closed }) => (messages.length > 0 ? "in" : closed ? "out" : "hangs"));
		await until(() => !fates().includes("hangs"), { what: "every dial's fate", timeoutMs: 15_000 });
		expect(fates().filter((fate) => fate === "in")).toHaveLength(200 - 64);
		expect((await fetch(`${own.url}/healthz`)).status).toBe(200);
		for (const client of clients) client.close();
	},
	30_000,
);

test("a camera takes only so many viewers, and says so to the next", async () => {
	await using small = await startSecured({ VIEWERS: "public", MAX_VIEWERS_PER_CAMERA: "1" });
	using agent = await small.agent("lobby");
	using first = small.watcher();
	using second = small.watcher();
	for (const client of [first, second]) await client.heard("cameras");
	first.watch({ lobby: 0 });
	await until(() => agent.demand?.renditions.length, { what: "demand" });
	second.watch({ lobby: 0 });
	expect(await second.heard("refused")).toMatchObject({ camera: "lobby", reason: "full" });
	first.watch({ lobby: 0 });
	agent.sendFrame(await smallJpeg());
	await first.frame();
	expect(second.frames).toEqual([]);
});

test("a camera's limit counts who watches by ReRo-CCTV's endpoint too: the next waits until there is room", async () => {
	await using small = await startSecured({ VIEWERS: "public", MAX_VIEWERS_PER_CAMERA: "1" });
	using agent = await small.agent("lobby");
	const page = new WebSocket(`${small.url.replace("http", "ws")}/websocket/50`);
	await until(() => agent.demand?.renditions.includes(qualityId(50)), { what: "the first one's demand" });
	const next = new WebSocket(`${small.url.replace("http", "ws")}/websocket/70`);
	const counts = async () => {
		const headers = await small.signIn("operator");
		const report = (await (await small.get("/api/operator", headers)).json()) as OperatorReport;
		return [report.viewers.length, report.cameras[0]?.viewers];
	};
	await until(() => next.readyState === WebSocket.OPEN, { what: "the second one's connection" });
	expect(await counts()).toEqual([2, 1]);
	page.close();
	await until(() => agent.demand?.renditions.join() === `${qualityId(70)}`, {
		what: "the second one's demand",
	});
	next.close();
});

test("wrong passwords run out of tries; then not even the right one is looked at, elsewhere it still is", async () => {
	await using own = await startSecured({ TRUSTED_PROXY: "127.0.0.1" });
	const tryIt = async (password: string, address: string) => {
		const headers = { "X-Forwarded-For": address };
		return (await own.send("/api/session", { body: { password }, headers })).status;
	};
	const wrong = await Promise.all(Array.from({ length: 12 }, () => tryIt("wrong password", "203.0.113.1")));
	expect(wrong.filter((status) => status === 401)).toHaveLength(8);
	expect(wrong.filter((status) => status === 429)).toHaveLength(4);
	expect(await tryIt(PASSWORDS.operator, "203.0.113.1")).toBe(429);
	expect(await tryIt(PASSWORDS.operator, "203.0.113.2")).toBe(200);
});

test("a hundred sign-ins at once leave the frames of a viewer alone", async () => {
	await using own = await startSecured({ VIEWERS: "public", TRUSTED_PROXY: "127.0.0.1" });
	using _playing = await playAll(own);
	using good = new WireClient(`${own.url}/watch`);
	await good.heard("cameras");
	good.watch({ lobby: 0 });
	await good.frame();
	const before = good.frameCount;
	const answers = await Promise.all(
		Array.from({ length: 100 }, (_, i) => {
			const headers = { "X-Forwarded-For": `203.0.113.${i}` };
			return own.send("/api/session", { body: { password: "wrong password" }, headers });
		}),
	);
	expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([401, 503]));
	await until(() => good.frameCount > before, { what: "frames meanwhile" });
	expect(good.closed).toBeNull();
});

test.each([
	["no JSON", "nonsense"],
	["another shape", JSON.stringify({ name: "x" })],
	["a number", "7"],
	["a password that is none", JSON.stringify({ password: 7 })],
])("a body that is %s is a clear 400, no fault of ours", async (_, body) => {
	const answer = await fetch(`${relay.url}/api/session`, { method: "POST", body });
	expect(answer.status).toBe(400);
	expect(((await (await relay.get("/healthz")).json()) as { faults: number }).faults).toBe(0);
});

test("a body of megabytes is refused", async () => {
	const answer = await fetch(`${relay.url}/api/session`, {
		method: "POST",
		body: "x".repeat(5_000_000),
	}).catch(() => null);
	expect(answer?.status ?? 413).toBe(413);
	expect((await relay.get("/healthz")).status).toBe(200);
});

test("a body that tells no length and is too large is refused, and is no fault of ours", async () => {
	let left = 64;
	const body = new ReadableStream({
		pull(controller) {
			if (left-- > 0) controller.enqueue(new Uint8Array(65_536));
			else controller.close();
		},
	});
	const answer = await fetch(`${relay.url}/api/session`, { method: "POST", body }).catch(() => null);
	expect([400, 413]).toContain(answer?.status ?? 413); // the listener's answer, or ours
	expect(await (await relay.get("/healthz")).json()).toEqual({ status: "ok", faults: 0 });
});

test("another page's script neither opens a connection nor posts", async () => {
	const headers = { Origin: "https://evil.example" };
	for (const path of ["/watch", "/publish", "/websocket/50"])
		expect((await relay.get(path, { ...UPGRADE, ...headers })).status).toBe(403);
	expect((await relay.send("/api/session", { body: { password: "x" }, headers })).status).toBe(403);
});

test.each(["/api/cameras", "/api/session", "/nothing", "/api/operator", "/"])(
	"%s forbids framing, sniffing and referrers",
	async (path) => {
		const { headers } = await relay.get(path);
		expect(headers.get("content-security-policy")).toContain("frame-ancestors 'none'");
		expect(headers.get("x-content-type-options")).toBe("nosniff");
		expect(headers.get("referrer-policy")).toBe("no-referrer");
	},
);

test("of two agents with a camera's key the newest wins at once, the other ends, and not for ever to and fro", async () => {
	const headers = { Authorization: `Bearer ${KEYS.vault}` };
	using viewer = relay.watcher();
	await viewer.heard("cameras");
	viewer.watch({ vault: 0 });
	await viewer.frame();
	const jpeg = await smallJpeg();
	const agents: WireAgent[] = [];
	for (const instance of ["two", "three", "four"]) {
		const agent = await new WireAgent(relay.url, "vault", { headers }).publish(instance);
		agents.push(agent);
		const count = viewer.frameCount;
		const sent = agent.sendFrame(jpeg);
		await viewer.frame(({ header }) => header.epoch === sent.epoch);
		expect(viewer.frameCount).toBeGreaterThan(count);
	}
	expect(agents[0]!.closed).toMatchObject({ code: CLOSE.replaced });
	expect(agents[1]!.closed).toMatchObject({ code: CLOSE.replaced });
	using fifth = new WireAgent(relay.url, "vault", { headers });
	await fifth.heard("welcome");
	fifth.say({ type: "publish", instance: "five", cameras: [{ id: "vault", name: "vault" }] });
	expect(await fifth.ended()).toMatchObject({ code: CLOSE.cameraTaken });
	const epochs = viewer.frames.map(({ header }) => header.epoch);
	expect(epochs).toEqual(epochs.toSorted((a, b) => a - b));
	for (const agent of agents) agent.close();
});

test("a key for one camera does not push out an agent that has others too", async () => {
	const both = { Authorization: `Bearer ${KEYS.lobby}~${KEYS.shared}` };
	await using own = await startSecured({ VIEWERS: "public" });
	using agent = new WireAgent(own.url, "lobby", { headers: both });
	await agent.heard("welcome");
	const cameras = ["lobby", "shared"].map((id) => ({ id, name: id }));
	agent.say({ type: "publish", instance: "both", cameras });
	await agent.heard("channels");
	using other = new WireAgent(own.url, "lobby", { headers: { Authorization: `Bearer ${KEYS.lobby}` } });
	await other.heard("welcome");
	other.say({ type: "publish", instance: "other", cameras: [{ id: "lobby", name: "lobby" }] });
	expect(await other.ended()).toMatchObject({ code: CLOSE.cameraTaken });
	using liar = new WireAgent(own.url, "lobby", { headers: { Authorization: `Bearer ${KEYS.lobby}` } });
	await liar.heard("welcome");
	liar.say({ type: "publish", instance: "both", cameras: [{ id: "lobby", name: "lobby" }] });
	expect(await liar.ended()).toMatchObject({ code: CLOSE.cameraTaken });
	expect(agent.closed).toBeNull();
});
