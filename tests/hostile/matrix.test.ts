import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { CLOSE } from "#shared/close.ts";
import { nameOfPassword, parsePasswords } from "../../relay/access/passwords.ts";
import { newTokenId, type Role, signPass } from "../../relay/access/tokens.ts";
import { MultipartReader } from "../support/multipart-reader.ts";
import { until } from "../support/until.ts";
import { WireAgent } from "../support/wire-agent.ts";
import { WireClient } from "../support/wire-client.ts";
import {
	CAMERAS,
	HOUR_MS,
	KEYS,
	linkToken,
	PICTURES,
	playAll,
	SECRET,
	type Secured,
	securedEnvironment,
	startSecured,
} from "./secured.ts";

let relay: Secured;
let playing: Disposable;
beforeAll(async () => {
	relay = await startSecured();
	playing = await playAll(relay);
});
afterAll(async () => {
	playing[Symbol.dispose]();
	await relay[Symbol.asyncDispose]();
});

type Camera = (typeof CAMERAS)[number];
type Sees = readonly Camera[];
const bytes = (text: string) => new TextEncoder().encode(text);

async function signInToken(
	role: Role,
	change: { expires?: number; password?: string } = {},
	secret = SECRET,
) {
	const stored = parsePasswords((await securedEnvironment()).PASSWORDS!).find((one) => one.role === role)!;
	const expires = Date.now() + HOUR_MS;
	const pass = {
		is: "sign-in",
		id: newTokenId(),
		role,
		password: nameOfPassword(stored),
		expires,
		...change,
	} as const;
	return await signPass(pass, bytes(secret));
}

/** A token whose middle part says something else, under the signature of before. */
async function forged(token: Promise<string>, change: object): Promise<string> {
	const [head, middle, tail] = (await token).split(".");
	const claims = { ...JSON.parse(Buffer.from(middle!, "base64url").toString()), ...change };
	return `${head}.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.${tail}`;
}

async function unsigned(token: Promise<string>): Promise<string> {
	const head = Buffer.from(JSON.stringify({ alg: "none" })).toString("base64url");
	return `${head}.${(await token).split(".")[1]}.`;
}

async function revoked(): Promise<string> {
	const operator = await relay.signIn("operator");
	const body = { label: "", cameras: ["shared"], lastsMs: HOUR_MS };
	const made = await relay.send("/api/operator/links", { body, headers: operator });
	const { url, link } = (await made.json()) as { url: string; link: { id: string } };
	await relay.send(`/api/operator/links/${link.id}`, { method: "DELETE", headers: operator });
	return url.split("#t=")[1]!;
}

const PUBLIC: Sees = ["lobby"];
const LINKED: Sees = ["lobby", "shared"];
const STATES: [string, Sees, () => Promise<string>][] = [
	["no token", PUBLIC, async () => ""],
	["garbage", PUBLIC, async () => "garbage.of.three"],
	["a link signed with another secret", PUBLIC, () => linkToken({}, `${SECRET}x`)],
	["an expired link", PUBLIC, () => linkToken({ expires: Date.now() - 1_000 })],
	["a revoked link", PUBLIC, revoked],
	["a link to a camera for sign-ins alone", PUBLIC, () => linkToken({ cameras: ["vault"] })],
	["a link whose cameras were changed", PUBLIC, () => forged(linkToken(), { cameras: [...CAMERAS] })],
	[
		"a link that calls itself a sign-in",
		PUBLIC,
		() => forged(linkToken(), { aud: "sign-in", role: "operator" }),
	],
	["a link without a signature", PUBLIC, () => unsigned(linkToken())],
	["a sign-in without a signature", PUBLIC, () => unsigned(signInToken("operator"))],
	["a sign-in signed with another secret", PUBLIC, () => signInToken("operator", {}, `${SECRET}x`)],
	["an expired sign-in", PUBLIC, () => signInToken("operator", { expires: Date.now() - 1_000 })],
	["a sign-in of a password taken away", PUBLIC, () => signInToken("operator", { password: "another" })],
	["a publish key", PUBLIC, async () => KEYS.vault!],
	["a link", LINKED, () => linkToken()],
	["a viewer's sign-in", CAMERAS, () => signInToken("viewer")],
	["an operator's sign-in", CAMERAS, () => signInToken("operator")],
];
const CARRIERS = ["cookie", "bearer"] as const;
const ROWS = STATES.flatMap(([name, sees, token]) => CARRIERS.map((by) => ({ name, by, sees, token })));

function headersOf(by: (typeof CARRIERS)[number], token: string): Record<string, string> {
	return by === "cookie" ? relay.cookie(token) : { Authorization: `Bearer ${token}` };
}

/** The first event of a stream, as text; leaves after it. */
async function firstEvent(response: Response): Promise<string> {
	let text = "";
	for await (const chunk of response.body!) {
		text += new TextDecoder().decode(chunk);
		if (text.includes("\n\n")) break;
	}
	return text;
}

/** What of the hidden cameras an answer gives away. */
function leaks(text: string, sees: Sees): string[] {
	return CAMERAS.filter((id) => !sees.includes(id) && text.includes(`Name of ${id}`));
}

describe.each(ROWS)("$name by $by", ({ name, by, sees, token }) => {
	const isSignedIn = sees === CAMERAS;
	const isOperator = name === "an operator's sign-in";
	let headers: Record<string, string>;
	beforeAll(async () => {
		headers = headersOf(by, await token());
	});

	test(`reads ${sees.join(", ")} and nothing else`, async () => {
		const list = await relay.get("/api/cameras", headers);
		expect(((await list.json()) as { id: string }[]).map(({ id }) => id).sort()).toEqual([...sees]);
		for (const id of [...CAMERAS, "nobody"]) {
			const answer = await relay.get(`/api/cameras/${id}`, headers);
			const mayKnow = isSignedIn || sees.includes(id as Camera);
			const refused = sees === LINKED || name.includes("sign-ins alone") ? 403 : 401;
			expect([id, answer.status]).toEqual([id, mayKnow ? (id === "nobody" ? 404 : 200) : refused]);
			expect(leaks(await answer.text(), sees)).toEqual([]);
		}
		for (const path of ["/readyz", "/healthz", "/api/session", "/"])
			expect(leaks(await (await relay.get(path, headers)).text(), sees)).toEqual([]);
	});

	test(isOperator ? "may operate" : "may not operate", async () => {
		const refused = isSignedIn ? 403 : 401;
		const body = { label: "x", cameras: ["shared"], lastsMs: HOUR_MS };
		const answers = [
			await relay.get("/api/operator", headers),
			await relay.send("/api/operator/links", { body, headers }),
			await relay.send("/api/operator/links/none", { method: "DELETE", headers }),
			await relay.send("/api/operator/viewers/none", { method: "DELETE", headers }),
		];
		const expected = isOperator ? [200, 201, 404, 404] : [refused, refused, refused, refused];
		expect(answers.map(({ status }) => status)).toEqual(expected);
		for (const answer of answers) expect(leaks(await answer.text(), sees)).toEqual([]);
	});

	test("gets frames of what it may see, word of nothing else", async () => {
		using client = relay.watcher(headers);
		const told = await client.heard("cameras");
		const channels = new Map(
			(told.cameras as { id: string; channel: number }[]).map((one) => [one.id, one.channel]),
		);
		expect([...channels.keys()].sort()).toEqual([...sees]);
		client.watch(Object.fromEntries(CAMERAS.map((id) => [id, 0])));
		for (const id of sees) await client.frame(({ header }) => header.channel === channels.get(id));
		const known = [...channels.values()];
		expect(client.frames.filter(({ header }) => !known.includes(header.channel))).toEqual([]);
		const refusals = client.messages
			.filter(({ type }) => type === "refused")
			.map(({ camera }) => camera as string);
		expect(refusals).toEqual(CAMERAS.filter((id) => !sees.includes(id)));
	});

	test("gets ReRo-CCTV's pictures of the first camera it may see", async () => {
		const socket = new WebSocket(`${relay.url.replace("http", "ws")}/websocket/50`, { headers } as never);
		socket.binaryType = "arraybuffer";
		const picture = await new Promise<ArrayBuffer>((resolve, reject) => {
			socket.addEventListener("message", ({ data }) => resolve(data));
			socket.addEventListener("close", ({ code }) => reject(new Error(`closed with ${code}`)));
		});
		expect(Buffer.from(picture).equals(PICTURES[sees.at(-1)!]!)).toBe(true);
		socket.close();
	});

	test("reads pictures by HTTP of what it may see, and nothing tells of the rest", async () => {
		const refusals = new Set<string>();
		for (const id of [...CAMERAS, "nobody"]) {
			const mayKnow = isSignedIn || sees.includes(id as Camera);
			const refused = sees === LINKED || name.includes("sign-ins alone") ? 403 : 401;
			const status = mayKnow ? (id === "nobody" ? 404 : 200) : refused;
			for (const path of [
				`/cameras/${id}/snapshot.jpg`,
				`/cameras/${id}/stream.mjpg`,
				`/?action=snapshot&camera=${id}`,
				`/?action=stream&camera=${id}`,
			]) {
				await using reader = await MultipartReader.open(`${relay.url}${path}`, headers);
				const { response } = reader;
				expect([path, response.status]).toEqual([path, status]);
				if (!mayKnow) refusals.add(await response.text());
				if (status !== 200) continue;
				const body = path.includes("stream")
					? (await reader.next())!.body
					: Buffer.from(await response.arrayBuffer());
				expect(body.equals(PICTURES[id]!)).toBe(true);
			}
		}
		expect(refusals.size).toBe(isSignedIn ? 0 : 1); // the same for what is there and what is not
		const first = await relay.get("/?action=snapshot", headers);
		expect(Buffer.from(await first.arrayBuffer()).equals(PICTURES[sees.at(-1)!]!)).toBe(true);
	});

	test("hears by HTTP of what it may see and nothing else", async () => {
		const told = await firstEvent(await relay.get("/api/events", headers));
		expect(CAMERAS.filter((id) => told.includes(`Name of ${id}`))).toEqual([...sees]);
		const metrics = await relay.get("/metrics", headers);
		expect(metrics.status).toBe(isOperator ? 200 : isSignedIn ? 403 : 401);
		expect((await metrics.text()).includes('camera="vault"')).toBe(isOperator);
		const described = await relay.get("/openapi/json", headers);
		expect([described.status, leaks(await described.text(), sees)]).toEqual([200, []]);
	});

	test("may not publish", async () => {
		using agent = new WireAgent(relay.url, "shared", { headers });
		if (name === "a publish key" && by === "bearer") {
			await agent.heard("welcome");
			agent.say({ type: "publish", instance: "thief", cameras: [{ id: "shared", name: "Stolen" }] });
		}
		expect(await agent.ended()).toMatchObject({ code: CLOSE.badKey });
		expect(agent.messages.map(({ type }) => type).filter((type) => type !== "welcome")).toEqual([]);
	});
});

describe("where nothing is public", () => {
	let closed: Secured;
	beforeAll(async () => {
		closed = await startSecured({ VIEWERS: "sign-in, shared:link" });
	});
	afterAll(() => closed[Symbol.asyncDispose]());

	test.each([
		["nothing", CLOSE.denied, async () => ""],
		["garbage", CLOSE.denied, async () => "a.b.c"],
		["an expired link", CLOSE.expired, () => linkToken({ expires: Date.now() - 1_000 })],
	])("%s: the connection is closed with %d and no other word", async (_, code, token) => {
		using _agent = await closed.agent("shared");
		const headers = closed.cookie(await token());
		for (const path of ["/watch", "/websocket/50"]) {
			using client = new WireClient(`${closed.url}${path}`, { headers, greets: false });
			expect(await client.ended()).toMatchObject({ code });
			expect([client.messages, client.frames]).toEqual([[], []]);
		}
		for (const path of [
			"/api/cameras",
			"/api/events",
			"/?action=snapshot",
			"/?action=stream",
			"/cameras/shared/snapshot.jpg",
			"/cameras/nobody/stream.mjpg",
			"/metrics",
		])
			expect([path, (await closed.get(path, headers)).status]).toEqual([path, 401]);
		expect(await (await closed.get("/readyz")).text()).not.toContain("shared");
	});
});

test("a wrong key costs the running agent no frame", async () => {
	using client = relay.watcher(await relay.signIn("viewer"));
	await client.heard("cameras");
	client.watch({ vault: 0 });
	await client.frame();
	for (const key of [KEYS.lobby, "sk_wrong", `${KEYS.vault}x`]) {
		using thief = new WireAgent(relay.url, "vault", { headers: { Authorization: `Bearer ${key}` } });
		thief.socket.addEventListener("open", () =>
			thief.say({ type: "publish", instance: "thief", cameras: [{ id: "vault", name: "Stolen" }] }),
		);
		expect(await thief.ended()).toMatchObject({ code: CLOSE.badKey });
	}
	const before = client.frameCount;
	await until(() => client.frameCount >= before + 3, { what: "frames of the right agent" });
	const seqs = client.frames.map(({ header }) => header.seq);
	expect(seqs).toEqual(seqs.map((_, i) => seqs[0]! + i));
});
