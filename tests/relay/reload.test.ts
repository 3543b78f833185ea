import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hashOf } from "../../relay/access/publish-keys.ts";
import { CAMERAS, KEYS, securedEnvironment, startSecured } from "../hostile/secured.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "reload-"));
});
afterAll(() => rm(folder, { recursive: true }));

const keysOf = (...ids: string[]) => ids.map((id) => `${id}:${hashOf(KEYS[id]!)}`).join(",");

test("keys and passwords in files are read anew on SIGHUP; only who came in by those that are gone is ended", async () => {
	const env = await securedEnvironment();
	const [keys, passwords] = [join(folder, "keys"), join(folder, "passwords")];
	await writeFile(keys, keysOf(...CAMERAS));
	await writeFile(passwords, env.PASSWORDS!);
	await using relay = await startSecured({
		PUBLISH_KEYS: undefined,
		PASSWORDS: undefined,
		PUBLISH_KEYS_FILE: keys,
		PASSWORDS_FILE: passwords,
	});
	using lobby = await relay.agent("lobby");
	using vault = await relay.agent("vault");
	const [viewer, operator] = [await relay.signIn("viewer"), await relay.signIn("operator")];
	using signedIn = new WireClient(`${relay.url}/watch`, { headers: viewer });
	using visitor = new WireClient(`${relay.url}/watch`); // the lobby is public
	for (const client of [signedIn, visitor])
		await until(() => client.messages.some(({ type }) => type === "welcome"), { what: "a welcome" });

	await writeFile(keys, "vault:nonsense");
	relay.process.kill("SIGHUP");
	await relay.process.waitForLine(/settings not read anew, the old ones stay.*PUBLISH_KEYS: camera vault/);
	expect([lobby.closed, vault.closed, signedIn.closed, visitor.closed]).toEqual([null, null, null, null]);

	await writeFile(keys, keysOf("lobby"));
	await writeFile(passwords, env.PASSWORDS!.split(",")[1]!); // the operator's alone
	relay.process.kill("SIGHUP");
	await relay.process.waitForLine(/keys and passwords read anew keys=1 passwords=1/);
	await until(() => vault.closed && signedIn.closed, { what: "the end of those who may no more" });
	expect(vault.closed).toEqual({ code: 4401, reason: "this key counts no more" });
	expect(signedIn.closed!.code).toBe(4411);
	expect([lobby.closed, visitor.closed]).toEqual([null, null]);
	expect((await relay.get("/api/operator", operator)).status).toBe(200);
});

test("a file that is empty now takes nobody's keys away", async () => {
	const keys = join(folder, "emptied");
	await writeFile(keys, keysOf("lobby"));
	await using relay = await startSecured({ PUBLISH_KEYS: undefined, PUBLISH_KEYS_FILE: keys });
	using lobby = await relay.agent("lobby");
	await writeFile(keys, "");
	relay.process.kill("SIGHUP");
	await relay.process.waitForLine(
		/settings not read anew, the old ones stay.*nothing is left of PUBLISH_KEYS/,
	);
	expect(lobby.closed).toBeNull();
});
