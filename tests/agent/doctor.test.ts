import { describe, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { KEYS, startSecured } from "../hostile/secured.ts";
import { examined } from "../support/examined.ts";
import { MjpegServer } from "../support/mjpeg-server.ts";
import { Running, startAgent, startRelay } from "../support/processes.ts";

const NOBODY = "http://127.0.0.1:9"; // discard: nothing listens there

describe("what is found", () => {
	test("libraries, encoders, the source, the relay and its clock; all is well", async () => {
		await using relay = await startRelay();
		const seen = await examined("agent", { RELAY_URL: relay.url, CAMERA: "test:?size=320x240&fps=20" });
		expect(seen.findings.filter(({ severity }) => severity === "problem")).toEqual([]);
		expect(seen.code).toBe(0);
		expect(seen.on("FFmpeg")).toMatch(/ok .*libavcodec \d+/);
		expect(seen.on("JPEG")).toBe("ok encodes");
		expect(seen.on("H.264 software")).toBe("ok works");
		expect(seen.on("camera test-card")).toMatch(/ok .*320x240 at 20, first picture after \d+ ms/);
		expect(seen.on("relay")).toContain(`ok ${relay.url} answers`);
		expect(seen.on("clock")).toMatch(/ok the relay's is \d+ ms (behind|ahead), round trip/);
	});

	test("in lines for people, each problem with what to do, and a sum", async () => {
		await using doctor = new Running({
			name: "doctor",
			command: ["bun", "agent/main.ts", "--doctor"],
			env: { RELAY_URL: NOBODY, CAMERA: "/nowhere/clip.mp4" },
		});
		expect(await doctor.exited).toBe(1);
		await doctor.waitForLine(/^problem {2}camera clip +.*no such file/);
		await doctor.waitForLine(/^ +-> the path or address is wrong/);
		await doctor.waitForLine(/^problem {2}relay +http:\/\/127\.0\.0\.1:9 does not answer/);
		await doctor.waitForLine(/^2 problems, \w+ warnings?$/);
	});
});

describe("sources", () => {
	test("each of a file is tried, and one that says nothing does not hold the others up", async () => {
		await using camera = new MjpegServer({ credentials: { name: "ann", password: "canary-pass" } });
		using silent = Bun.listen({ hostname: "127.0.0.1", port: 0, socket: { data() {} } });
		const folder = await mkdtemp(join(tmpdir(), "doctor-"));
		const path = join(folder, "cameras.toml");
		const tables = [
			["door", camera.url.replace("http://", "http://ann:canary-pass@")],
			["locked", camera.url.replace("http://", "http://ann:canary-wrong@")],
			["dead", `rtsp://ann:canary-pass@127.0.0.1:${silent.port}/live`],
		].map(([id, source]) => `[[camera]]\nid = "${id}"\nsource = "${source}"`);
		await writeFile(path, tables.join("\n"));
		const seen = await examined("agent", { RELAY_URL: NOBODY, CAMERAS_FILE: path });
		await rm(folder, { recursive: true });
		expect(seen.on("camera door")).toMatch(/ok http:\/\/\*\*\*@.*640x360/);
		expect(seen.on("camera locked")).toMatch(/^problem/);
		expect(seen.on("camera dead")).toMatch(/problem .*did not open within 10 s/);
		expect(seen.text).not.toContain("canary");
	});

	test("bad settings are findings, one each", async () => {
		const seen = await examined("agent", { CAMERA: "gopher://x", LOG_FORMAT: "loud" });
		expect(seen.code).toBe(1);
		expect(seen.on("settings")).toMatch(/problem LOG_FORMAT.*\nproblem CAMERA: unknown source/s);
	});
});

describe("the relay's word", () => {
	test("a key is missing, unknown, for another camera, or right; nothing of it is printed", async () => {
		await using relay = await startSecured();
		const ask = (env: Record<string, string>) =>
			examined("agent", { RELAY_URL: relay.url, CAMERA: "test:", CAMERA_NAME: "Vault", ...env });
		expect((await ask({})).on("key")).toBe("problem this relay asks for one");
		const unknown = await ask({ RELAY_KEY: "sk_nobodyknowsthiscanary" });
		expect(unknown.on("key")).toBe("problem this relay knows none of the keys");
		expect(unknown.text).not.toContain("canary");
		expect((await ask({ RELAY_KEY: KEYS.lobby! })).on("key")).toBe(
			'problem this key is not for camera "vault"',
		);
		const right = await ask({ RELAY_KEY: KEYS.vault! });
		expect(right.on("key")).toBe("ok opens camera vault");
		expect(right.code).toBe(0);
		expect(right.text).not.toContain(KEYS.vault!);
	});

	test("an agent that publishes keeps its camera while its key is examined, and no other camera appears", async () => {
		await using relay = await startSecured();
		const env = { RELAY_KEY: KEYS.lobby!, CAMERA_NAME: "Lobby" };
		await using agent = startAgent({ relayUrl: relay.url, camera: "test:", env });
		await agent.waitForLine(/publishing/);
		const before = agent.lineCount;
		const seen = await examined("agent", { RELAY_URL: relay.url, CAMERA: "test:", ...env });
		expect(seen.on("key")).toBe("ok opens camera lobby");
		expect(agent.lines.slice(before)).toEqual([]);
		const operator = await relay.get("/api/operator", await relay.signIn("operator"));
		const { cameras } = (await operator.json()) as { cameras: { id: string; state: string }[] };
		expect(cameras.map(({ id, state }) => [id, state])).toEqual([["lobby", "live"]]);
	});

	test("a proxy that passes pages and no WebSockets is told from a relay that is away", async () => {
		await using relay = await startRelay();
		using proxy = Bun.serve({
			hostname: "127.0.0.1",
			port: 0,
			fetch: ({ url }) => fetch(`${relay.url}${new URL(url).pathname}`),
		});
		const seen = await examined("agent", { RELAY_URL: `http://127.0.0.1:${proxy.port}`, CAMERA: "test:" });
		expect(seen.on("relay")).toMatch(/^ok/);
		expect(seen.on("WebSocket")).toBe("problem pages come through, WebSockets do not");
		expect(seen.code).toBe(1);
	});

	test("something else that answers there is no relay", async () => {
		using other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello") });
		const seen = await examined("agent", { RELAY_URL: `http://127.0.0.1:${other.port}`, CAMERA: "test:" });
		expect(seen.on("relay")).toMatch(/problem .*no relay, HTTP 200/);
	});
});

test("--json alone is refused", async () => {
	await using bad = new Running({ name: "agent", command: ["bun", "agent/main.ts", "--json"] });
	expect(await bad.exited).toBe(1);
	expect(bad.lines.join("\n")).toContain("--json goes with --doctor");
});
