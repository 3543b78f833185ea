import { Database } from "bun:sqlite";
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CLOSE } from "#shared/close.ts";
import { Access } from "../../relay/access/access.ts";
import { DiskRecords } from "../../relay/access/disk-records.ts";
import { Passwords } from "../../relay/access/passwords.ts";
import { parsePolicy } from "../../relay/access/policy.ts";
import { Presence } from "../../relay/access/presence.ts";
import { faults } from "../../relay/faults.ts";
import { Running } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { WireAgent } from "../support/wire-agent.ts";
import { HOUR_MS, KEYS, PASSWORDS, type Secured, startSecured } from "./secured.ts";

let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "access-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Everything on disk: no keys and no secret by variables. */
const onDisk = (data: string) => ({ DATA_DIR: data, SIGNING_SECRET: undefined, PUBLISH_KEYS: undefined });

const SETTINGS = {
	publishKeys: [],
	passwords: new Passwords([]),
	secret: new Uint8Array(32),
	isExposed: true,
	metricsToken: null,
};

async function command(
	args: string[],
	env: Record<string, string | undefined>,
	input?: string,
): Promise<string> {
	await using running = new Running({
		name: args[0]!,
		command: ["bun", "relay/main.ts", ...args],
		env,
		...(input === undefined ? {} : { input }),
	});
	const code = await running.exited;
	await running[Symbol.asyncDispose]();
	if (code !== 0) throw new Error(`exit ${code}: ${running.lines.join("\n")}`);
	return running.lines.join("\n");
}

async function linkBy(
	relay: Secured,
	operator: Record<string, string>,
): Promise<{ token: string; id: string }> {
	const body = { label: "kept", cameras: ["shared"], lastsMs: HOUR_MS };
	const made = await relay.send("/api/operator/links", { body, headers: operator });
	const { url, link } = (await made.json()) as { url: string; link: { id: string } };
	return { token: url.split("#t=")[1]!, id: link.id };
}

test("kill -9 right after the answer: keys, links and revocations are still there", async () => {
	const data = join(folder, "kill");
	const key = /RELAY_KEY=(\S+)/.exec(await command(["key", "shared"], { DATA_DIR: data }))![1]!;
	const tokens: { token: string; id: string; isRevoked: boolean }[] = [];
	for (let round = 0; round < 5; round++) {
		await using relay = await startSecured(onDisk(data));
		const operator = await relay.signIn("operator");
		const kept = await linkBy(relay, operator);
		const taken = await linkBy(relay, operator);
		const answer = await relay.send(`/api/operator/links/${taken.id}`, {
			method: "DELETE",
			headers: operator,
		});
		relay.process.kill("SIGKILL");
		expect(answer.status).toBe(204);
		tokens.push({ ...kept, isRevoked: false }, { ...taken, isRevoked: true });
		await relay.process.exited;
	}
	await using relay = await startSecured(onDisk(data));
	for (const { token, isRevoked } of tokens) {
		const answer = await relay.send("/api/session", { body: { token } });
		expect([answer.status, (await answer.json()).error]).toEqual(
			isRevoked ? [401, "revoked"] : [200, undefined],
		);
	}
	using _agent = await new WireAgent(relay.url, "shared", {
		headers: { Authorization: `Bearer ${key}` },
	}).publish();
	const listed = await command(["links"], { DATA_DIR: data });
	expect(listed.split("\n").filter((line) => line.includes("revoked"))).toHaveLength(5);
	expect((await stat(join(data, "access.sqlite"))).mode & 0o077).toBe(0);
});

test("nothing on disk opens anything but the signing secret: keys are hashed, tokens are not there", async () => {
	const data = join(folder, "read");
	const key = /RELAY_KEY=(\S+)/.exec(await command(["key", "shared"], { DATA_DIR: data }))![1]!;
	const printed = await command(["link", "shared", "--for", "2h", "--label", "x"], { DATA_DIR: data });
	const token = /#t=(\S+)/.exec(printed)![1]!;
	for (const file of await readdir(data)) {
		const bytes = await readFile(join(data, file));
		expect([file, bytes.includes(key), bytes.includes(token)]).toEqual([file, false, false]);
	}
});

test("the command line revokes under a running relay, and a new key --only ends the old one", async () => {
	const data = join(folder, "live");
	const key = async (...more: string[]) =>
		/RELAY_KEY=(\S+)/.exec(await command(["key", "shared", ...more], { DATA_DIR: data }))![1]!;
	const dial = (relay: Secured, secret: string) =>
		new WireAgent(relay.url, "shared", { headers: { Authorization: `Bearer ${secret}` } });
	const first = await key();
	await using relay = await startSecured(onDisk(data));
	const url = (await command(["link", "shared"], { DATA_DIR: data }))
		.split("\n")
		.find((line) => line.startsWith("http"))!;
	using watcher = relay.watcher(relay.cookie(url.split("#t=")[1]!));
	await watcher.heard("cameras");
	const id = (await command(["links"], { DATA_DIR: data })).split(" ")[0]!;
	await command(["revoke", id], { DATA_DIR: data });
	expect(await watcher.ended()).toEqual({ code: CLOSE.revoked, reason: "this link was revoked" });

	using old = await dial(relay, first).publish();
	const second = await key("--only");
	expect(await old.ended()).toMatchObject({ code: CLOSE.badKey });
	using _new = await dial(relay, second).publish();
	using again = dial(relay, first);
	expect(await again.ended()).toMatchObject({ code: CLOSE.badKey });
});

test("while nothing can be written the relay goes on, and what was revoked stays so and is kept later", async () => {
	const data = join(folder, "locked");
	await command(["key", "shared"], { DATA_DIR: data });
	await using relay = await startSecured(onDisk(data));
	const operator = await relay.signIn("operator");
	const { token, id } = await linkBy(relay, operator);
	using watcher = relay.watcher(relay.cookie(token));
	await watcher.heard("cameras");
	using other = new Database(join(data, "access.sqlite"));
	other.run("BEGIN IMMEDIATE");
	await relay.send(`/api/operator/links/${id}`, { method: "DELETE", headers: operator });
	expect(await watcher.ended()).toMatchObject({ code: CLOSE.revoked });
	await until(() => relay.process.lines.some((line) => line.includes("writing to DATA_DIR failed")), {
		what: "a word of it in the log",
	});
	expect((await relay.send("/api/session", { body: { token } })).status).toBe(401);
	other.run("ROLLBACK");
	const isKept = () => other.query("SELECT id FROM revoked WHERE id = ?").get(id) !== null;
	await until(isKept, { what: "the revocation on disk" });
});

test("a relay's upkeep survives a disk that takes nothing, and forgets no revocation", async () => {
	const data = join(folder, "upkeep");
	const records = new DiskRecords(data);
	records.waitAtMost(0);
	using other = new Database(join(data, "access.sqlite"));
	other.run("BEGIN IMMEDIATE");
	expect(() => records.revoke("a", Date.now() + HOUR_MS)).toThrow("locked");
	const access = new Access({ ...SETTINGS, policy: parsePolicy("link") }, records);
	const presence = new Presence(access, { connections: 1, perAddress: 1 });
	const before = faults.count;
	await until(() => faults.count > before, { what: "the fault noted" }); // thrown, it would end this process
	other.run("INSERT INTO revoked (id, expires) VALUES ('b', 9e15)");
	other.run("COMMIT");
	await until(() => records.isRevoked("b"), { what: "what the other wrote" });
	expect(records.isRevoked("a")).toBe(true);
	presence.stop();
	records.close();
});

test("without a disk a link still expires, and a restart forgets revocations alone", async () => {
	await using first = await startSecured();
	const operator = await first.signIn("operator");
	const { token, id } = await linkBy(first, operator);
	await first.send(`/api/operator/links/${id}`, { method: "DELETE", headers: operator });
	expect((await first.send("/api/session", { body: { token } })).status).toBe(401);
	const report = (await (await first.get("/api/operator", operator)).json()) as { isLasting: boolean };
	expect(report.isLasting).toBe(false); // and the page says what that means
	await using second = await startSecured();
	expect((await second.send("/api/session", { body: { token } })).status).toBe(200);
});

test("key, secret and password print what the relay takes, and a link made by the same secret opens", async () => {
	const keyed = await command(["key", "bench"], {});
	const secret = /SIGNING_SECRET=(\S+)/.exec(await command(["secret"], {}))![1]!;
	const password = /PASSWORDS=(operator:\S+)/.exec(
		await command(["password"], {}, "a long enough password\n"),
	)![1]!;
	const env = {
		SIGNING_SECRET: secret,
		PUBLISH_KEYS: /PUBLISH_KEYS=(\S+)/.exec(keyed)![1]!,
		PASSWORDS: password,
		VIEWERS: "link",
	};
	await using relay = await startSecured(env);
	const link = await command(["link", "bench", "--for", "30m"], { ...env, PUBLIC_URL: relay.url });
	expect(link).toContain(`${relay.url}/?camera=bench#t=`);
	expect((await relay.send("/api/session", { body: { token: /#t=(\S+)/.exec(link)![1] } })).status).toBe(200);
	expect((await relay.send("/api/session", { body: { password: "a long enough password" } })).status).toBe(
		200,
	);
	expect((await relay.send("/api/session", { body: { password: PASSWORDS.operator } })).status).toBe(401);
	using agent = await new WireAgent(relay.url, "bench", {
		headers: { Authorization: `Bearer ${KEYS.lobby}~${/RELAY_KEY=(\S+)/.exec(keyed)![1]}` },
	}).publish();
	await until(() => agent.messages.some(({ type }) => type === "channels"), { what: "its channel" });
});

test.each([
	[["link", "Bench"], "camera's id"],
	[["link", "bench", "--for", "2y"], "Expected 30m, 2h or 7d"],
	[["link", ...Array.from({ length: 33 }, (_, i) => `c${i}`)], "at most 32 cameras, got 33"],
	[["link", "bench"], "SIGNING_SECRET or DATA_DIR"],
	[["links"], "DATA_DIR"],
	[["password"], "at least 10 characters"],
])("%p is refused with what was wrong", async (args, words) => {
	await expect(command(args, {}, "short\n")).rejects.toThrow(words);
});
