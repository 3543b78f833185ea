import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { CLOSE } from "#shared/close.ts";
import { processTree } from "../support/proc.ts";
import { startAgent } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { WireAgent } from "../support/wire-agent.ts";
import { HOUR_MS, KEYS, linkToken, PASSWORDS, SECRET, securedEnvironment, startSecured } from "./secured.ts";

const WRONG_PASSWORD = "canary wrong password";
const WRONG_KEY = "sk_canary-of-a-wrong-key";

test("no secret is in a log, an answer or the list of processes", async () => {
	await using relay = await startSecured();
	await using agent = startAgent({
		relayUrl: relay.url,
		camera: "test:?size=320x240",
		env: { CAMERA_NAME: "shared", RELAY_KEY: KEYS.shared! },
	});
	await using stranger = startAgent({
		relayUrl: relay.url,
		camera: "test:?size=320x240",
		env: { CAMERA_NAME: "vault", RELAY_KEY: WRONG_KEY },
	});
	const operator = await relay.signIn("operator");
	const shared = async () =>
		(await relay.get("/api/cameras/shared", operator)).json() as Promise<{ state: string }>;
	await until(async () => (await shared()).state === "live", {
		what: "the agent with its key",
		timeoutMs: 20_000,
	});
	await stranger.waitForLine(/relay wants a publish key/, 20_000);

	await relay.send("/api/session", { body: { password: WRONG_PASSWORD } });
	const token = await linkToken();
	await relay.send("/api/session", { body: { token } });
	await relay.send("/api/session", { body: { token: `${token}x` } });
	const body = { label: "x", cameras: ["shared"], lastsMs: HOUR_MS };
	const made = (await (await relay.send("/api/operator/links", { body, headers: operator })).json()) as {
		url: string;
		link: { id: string };
	};
	const madeToken = made.url.split("#t=")[1]!;
	using watcher = relay.watcher(relay.cookie(madeToken));
	await watcher.heard("cameras");
	using thief = new WireAgent(relay.url, "vault", { headers: { Authorization: `Bearer ${WRONG_KEY}` } });
	expect(await thief.ended()).toMatchObject({ code: CLOSE.badKey });
	await relay.send(`/api/operator/links/${made.link.id}`, { method: "DELETE", headers: operator });
	await watcher.ended();

	const told = [...relay.process.lines, ...agent.lines, ...stranger.lines];
	const paths = [
		"/",
		"/healthz",
		"/readyz",
		"/api/cameras",
		"/api/session",
		"/api/operator",
		"/operator",
		"/nothing",
	];
	for (const path of paths) {
		const answer = await relay.get(path, operator);
		told.push(await answer.text(), ...answer.headers.values());
	}
	for (const { pid } of [relay.process, agent, stranger])
		for (const one of processTree(pid)) told.push(readFileSync(`/proc/${one}/cmdline`, "utf8"));

	const stored = Object.values(await securedEnvironment()).flatMap((value) =>
		value.split(",").map((part) => part.split(":").at(-1)!),
	);
	const hashes = stored.filter((value) => value.length > 32);
	expect(hashes.length).toBeGreaterThanOrEqual(6); // the signing secret, three keys, two passwords
	const secrets = [
		...[SECRET, WRONG_PASSWORD, WRONG_KEY, token, madeToken, ...hashes],
		...Object.values(KEYS),
		...Object.values(PASSWORDS),
		...Object.values(operator).map((cookie) => cookie.split("=")[1]!),
	];
	const found = secrets.filter((secret) => told.some((text) => text.includes(secret)));
	expect(found).toEqual([]);
	expect(told.some((text) => text.includes("link revoked"))).toBe(true); // it was the right log
});

test("two real agents with the same key: the newest stays, the other ends by itself and does not come back", async () => {
	await using relay = await startSecured({ VIEWERS: "public" });
	const env = { CAMERA_NAME: "lobby", RELAY_KEY: KEYS.lobby! };
	const start = () => startAgent({ relayUrl: relay.url, camera: "test:?size=320x240", env });
	await using first = start();
	await first.waitForLine(/publishing/, 20_000);
	await using second = start();
	await second.waitForLine(/publishing/, 20_000);
	expect(await first.exited).toBe(0);
	expect(first.lines.join("\n")).toContain("another agent publishes these cameras now");
	const camera = (await (await relay.get("/api/cameras/lobby")).json()) as { state: string };
	expect(camera.state).toBe("live");
	expect(relay.process.lines.filter((line) => line.includes("took over"))).toHaveLength(1);
});
