import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect } from "node:tls";
import { Running } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { WireAgent } from "../support/wire-agent.ts";
import { CERTIFICATE_ONE, CERTIFICATE_TWO } from "./certificates.ts";
import { Secured, securedEnvironment } from "./secured.ts";

let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "start-"));
});
afterAll(() => rm(folder, { recursive: true }));

const ALL = `relay: HOST=0.0.0.0 lets others reach this relay. Nothing is public by accident, so say first:
  PUBLISH_KEYS    which key publishes which camera. Make one:
                    bun run relay key CAMERA
                  or keep keys in a folder: DATA_DIR=FOLDER, and the same command with DATA_DIR set
  VIEWERS         who may watch. One of:
                    VIEWERS=link      who has a share link:  bun run relay link CAMERA --for 2h
                    VIEWERS=sign-in   who has a password
                    VIEWERS=public    everybody who reaches the relay
  SIGNING_SECRET  signs share links and sign-ins (not for VIEWERS=public; DATA_DIR makes its own):
                    bun run relay secret
  PASSWORDS       for VIEWERS=sign-in, and for the operator page:
                    bun run relay password
relay: For this machine alone: HOST=127.0.0.1. All of it step by step: docs/host-publicly.md`;

test("on 0.0.0.0 it refuses to start and says in these words what to set", async () => {
	await using relay = new Running({
		name: "relay",
		command: ["bun", "relay/main.ts"],
		env: { HOST: "0.0.0.0" },
	});
	expect(await relay.exited).toBe(2);
	expect(relay.lines.join("\n")).toBe(ALL);
});

test.each([
	[{ HOST: "::" }, "HOST=::"],
	[{ EXPOSED_HOST: "192.168.1.2" }, "EXPOSED_HOST=192.168.1.2"],
	[{ TRUSTED_PROXY: "127.0.0.1" }, "TRUSTED_PROXY"],
	[{ PUBLIC_URL: "https://cams.example.org" }, "PUBLIC_URL=https://cams.example.org"],
] as [Record<string, string>, string][])("%p is as open, and named", async (env, name) => {
	await using relay = new Running({ name: "relay", command: ["bun", "relay/main.ts"], env });
	expect(await relay.exited).toBe(2);
	expect(relay.lines[0]).toStartWith(`relay: ${name} lets others reach this relay`);
});

test.each(["PUBLISH_KEYS", "VIEWERS", "SIGNING_SECRET", "PASSWORDS"])(
	"without %s alone it does not start either, and names that alone",
	async (name) => {
		const env = { ...(await securedEnvironment()), HOST: "0.0.0.0", EXPOSED_HOST: "", [name]: "" };
		await using relay = new Running({ name: "relay", command: ["bun", "relay/main.ts"], env });
		expect(await relay.exited).toBe(2);
		const named = relay.lines
			.filter((line) => /^ {2}[A-Z_]+ /.test(line))
			.map((line) => line.trim().split(" ")[0]!);
		expect(named).toContain(name);
		expect(named.every((one) => one === name || name === "VIEWERS")).toBe(true);
	},
);

const commonName = (port: number) =>
	new Promise<string>((resolve, reject) => {
		const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false }, () => {
			resolve(String(socket.getPeerCertificate().subject.CN));
			socket.end();
		});
		socket.on("error", reject);
	});

test("a renewed certificate is taken on SIGHUP, a broken one is not, and nobody is cut off", async () => {
	const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
	const put = async (pair: { cert: string; key: string }) => {
		await writeFile(cert, pair.cert);
		await writeFile(key, pair.key);
	};
	await put(CERTIFICATE_ONE);
	await using running = new Running({
		name: "relay",
		command: ["bun", "relay/main.ts"],
		env: { PORT: "0", TLS_CERT: cert, TLS_KEY: key },
	});
	const port = Number(
		/https:\/\/127\.0\.0\.1:(\d+)/.exec(await running.waitForLine(/listening on https/))![1],
	);
	expect(await commonName(port)).toBe("one");
	const socket = new WebSocket(`wss://127.0.0.1:${port}/watch`, {
		tls: { rejectUnauthorized: false },
	} as never);
	let closed = false;
	const heard: string[] = [];
	socket.addEventListener("close", () => {
		closed = true;
	});
	socket.addEventListener(
		"message",
		({ data }) => typeof data === "string" && heard.push(JSON.parse(data).type),
	);
	await new Promise((resolve) => socket.addEventListener("open", resolve));

	await put({ ...CERTIFICATE_TWO, key: CERTIFICATE_ONE.key });
	running.kill("SIGHUP");
	await running.waitForLine(/certificate not renewed.*is not the key of/);
	expect(await commonName(port)).toBe("one");

	await put(CERTIFICATE_TWO);
	running.kill("SIGHUP");
	await running.waitForLine(/certificate renewed/);
	expect(await commonName(port)).toBe("two");
	socket.send(JSON.stringify({ type: "hello", protocol: 1, software: "test" }));
	await until(() => heard.includes("welcome"), { what: "an answer over the old connection" });
	expect(closed).toBe(false);
	const page = await fetch(`https://127.0.0.1:${port}/api/cameras`, { tls: { rejectUnauthorized: false } });
	expect(page.headers.get("strict-transport-security")).toContain("max-age=");
	socket.close();
});

test.each([
	[{ TLS_CERT: "/nowhere.pem", TLS_KEY: "/nowhere.key" }, "TLS_CERT=/nowhere.pem: cannot be read (ENOENT)"],
	[{ DATA_DIR: "/proc/nowhere" }, "DATA_DIR=/proc/nowhere: cannot be used"],
] as [Record<string, string>, string][])("%p is refused by name", async (env, words) => {
	await using relay = new Running({
		name: "relay",
		command: ["bun", "relay/main.ts"],
		env: { PORT: "0", ...env },
	});
	expect(await relay.exited).toBe(2);
	expect(relay.lines.join("\n")).toContain(words);
});

test("on this machine alone it starts with nothing said, and everybody here may do everything", async () => {
	await using running = new Running({ name: "relay", command: ["bun", "relay/main.ts"], env: { PORT: "0" } });
	const url = /http:\S+:\d+/.exec(await running.waitForLine(/listening on/))![0];
	const relay = new Secured(Object.assign(running, { url }));
	using _agent = await new WireAgent(url, "bench").publish();
	using viewer = relay.watcher();
	await viewer.heard("cameras", ({ cameras }) => (cameras as object[]).length === 1);
});
