import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "../..");
const MOST_EXPOSED = 20; // of 100, by systemd-analyze's own count; without any hardening it is 92 to 96
const HARDENING = [
	"User=sightline",
	"NoNewPrivileges=true",
	"ProtectSystem=strict",
	"ProtectHome=true",
	"PrivateTmp=true",
	"CapabilityBoundingSet=",
	"RestrictNamespaces=true",
	"SystemCallFilter=@system-service",
];
const ANALYZE = Bun.which("systemd-analyze");

/** Runs systemd-analyze; resolves to its exit code and complaints. */
async function analyze(...args: string[]): Promise<{ code: number; words: string }> {
	const child = Bun.spawn([ANALYZE!, ...args], { stdio: ["ignore", "ignore", "pipe"] });
	const words = await new Response(child.stderr).text();
	return { code: await child.exited, words };
}

let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "units-"));
});
afterAll(() => rm(folder, { recursive: true }));

describe.each(["relay", "agent"])("sightline-%s.service", (room) => {
	const name = `sightline-${room}.service`;
	const text = () => Bun.file(join(ROOT, "docs/systemd", name)).text();

	test("runs what is there, as a person without rights, and restarts it", async () => {
		const lines = (await text()).split("\n");
		const [, program] = lines.find((line) => line.startsWith("ExecStart="))!.split(" ");
		expect(existsSync(join(ROOT, program!))).toBe(true);
		expect(lines).toContain("Restart=always");
		for (const line of HARDENING) expect(lines).toContain(line);
		expect(lines).not.toContain("MemoryDenyWriteExecute=true"); // it would end Bun's compiler
	});

	test.skipIf(ANALYZE === null)(
		"systemd understands every line, and counts it as little exposed",
		async () => {
			const path = join(folder, name);
			// Only where Bun lies is this machine's.
			await writeFile(path, (await text()).replaceAll("/usr/local/bin/bun", process.execPath));
			expect(await analyze("verify", path)).toEqual({ code: 0, words: "" });
			const rated = await analyze("security", "--offline=true", `--threshold=${MOST_EXPOSED}`, path);
			expect(rated.code).toBe(0);
		},
	);
});
