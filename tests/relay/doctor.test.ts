import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { TESTED_BUN } from "#shared/finding.ts";
import { CERTIFICATE_ONE, CERTIFICATE_TWO } from "../hostile/certificates.ts";
import { SECRET, securedEnvironment } from "../hostile/secured.ts";
import { examined } from "../support/examined.ts";
import { Running, startRelay } from "../support/processes.ts";

let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "doctor-"));
});
afterAll(() => rm(folder, { recursive: true }));

test("the version that is advised is the one package.json pins", async () => {
	const { engines } = await Bun.file(join(import.meta.dir, "../../package.json")).json();
	expect(TESTED_BUN).toBe(engines.bun);
});

test("on this machine alone nothing has to be set", async () => {
	const seen = await examined("relay", { PORT: "0" });
	expect(seen.on("reached by")).toBe("ok this machine alone (127.0.0.1)");
	expect(seen.on("may watch")).toBe("ok everybody on this machine");
	expect(seen.on("address")).toMatch(/^ok/);
	expect(seen.on("open files")).toMatch(/^ok \d+ at most/);
	expect(seen.findings.filter(({ severity, topic }) => severity === "problem" && topic !== "page")).toEqual(
		[],
	);
});

describe("the address", () => {
	test("a relay that runs already is told from another program", async () => {
		await using relay = await startRelay();
		const beside = await examined("relay", { PORT: new URL(relay.url).port });
		expect(beside.on("address")).toMatch(/^warning a relay runs on port \d+ already/);
		using other = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("hello") });
		const taken = await examined("relay", { PORT: `${other.port}` });
		expect(taken.on("address")).toMatch(/^problem another program listens/);
		expect(taken.code).toBe(1);
	});

	test("one that is not this machine's", async () => {
		const seen = await examined("relay", { HOST: "192.0.2.7", PORT: "0" });
		expect(seen.on("address")).toMatch(/^problem HOST=192\.0\.2\.7/);
	});
});

describe("who may", () => {
	test("everything that keeps an exposed relay from starting is named", async () => {
		const seen = await examined("relay", { PORT: "0", EXPOSED_HOST: "192.168.1.2" });
		expect(seen.on("it refuses")).toBe(
			"problem to start without PUBLISH_KEYS, VIEWERS, SIGNING_SECRET, PASSWORDS",
		);
		expect(seen.on("may watch")).toBe("problem nobody said who");
		expect(seen.code).toBe(1);
	});

	test("what is told is told back without its secrets, and plain http is warned of", async () => {
		const env = await securedEnvironment();
		const seen = await examined("relay", { ...env, PORT: "0" });
		expect(seen.on("reached by")).toBe("ok others too, by EXPOSED_HOST=0.0.0.0");
		expect(seen.on("may watch")).toMatch(
			/^warning sign-in, lobby:public, shared:link: .* those that are public/,
		);
		expect(seen.on("may publish")).toBe("ok agents with one of 3 keys");
		expect(seen.on("encryption")).toMatch(/^warning none/);
		for (const secret of [SECRET, env.PASSWORDS!.slice(9, 40), env.PUBLISH_KEYS!.slice(-64)])
			expect(seen.text).not.toContain(secret);
	});

	test("all settings that are wrong", async () => {
		const seen = await examined("relay", { PORT: "http", SIGNING_SECRET: "canary-short" });
		expect(seen.on("settings")).toMatch(/problem PORT=http: .*\nproblem SIGNING_SECRET: /s);
		expect(seen.text).not.toContain("canary");
	});
});

describe("DATA_DIR", () => {
	test("is not made by looking, and counted once it is there", async () => {
		const data = join(folder, "new/data");
		const env = { PORT: "0", DATA_DIR: data, EXPOSED_HOST: "0.0.0.0", VIEWERS: "link" };
		const before = await examined("relay", env);
		expect(before.on("DATA_DIR")).toMatch(/^ok .*made at the first start/);
		expect(before.on("it refuses")).toBe("problem to start without PUBLISH_KEYS");
		expect(existsSync(join(folder, "new"))).toBe(false);
		await using key = new Running({ name: "key", command: ["bun", "relay/main.ts", "key", "door"], env });
		expect(await key.exited).toBe(0);
		const after = await examined("relay", env);
		expect(after.on("DATA_DIR")).toBe(`ok ${data}: keys for agents: 1, links: 0`);
		expect(after.on("may publish")).toBe("ok agents with one of 1 key");
	});

	test("a file in its place, and a broken one", async () => {
		const path = join(folder, "file");
		await writeFile(path, "");
		expect((await examined("relay", { PORT: "0", DATA_DIR: path })).on("DATA_DIR")).toMatch(/^problem/);
		await writeFile(join(folder, "access.sqlite"), "no database at all, but long enough to be looked at");
		expect((await examined("relay", { PORT: "0", DATA_DIR: folder })).on("DATA_DIR")).toMatch(
			/^problem .*not a database/,
		);
	});
});

describe("the certificate", () => {
	const put = async (pair: { cert: string; key: string }) => {
		const [cert, key] = [join(folder, "cert.pem"), join(folder, "key.pem")];
		await Promise.all([writeFile(cert, pair.cert), writeFile(key, pair.key)]);
		return { PORT: "0", TLS_CERT: cert, TLS_KEY: key };
	};

	test("fits its key, with the days it has left", async () => {
		const env = await put(CERTIFICATE_ONE);
		expect((await examined("relay", env)).on("certificate")).toMatch(/^ok .*for \d{5} more days/);
		const named = { ...env, PUBLIC_URL: "https://cams.example.org" };
		expect((await examined("relay", named)).on("certificate")).toBe("problem is not for cams.example.org");
	});

	test("does not fit, or is not there", async () => {
		const env = await put({ ...CERTIFICATE_ONE, key: CERTIFICATE_TWO.key });
		expect((await examined("relay", env)).on("certificate")).toMatch(/problem .*is not the key of/);
		const gone = { ...env, TLS_CERT: join(folder, "nothing.pem") };
		expect((await examined("relay", gone)).on("certificate")).toMatch(/problem .*cannot be read \(ENOENT\)/);
	});
});
