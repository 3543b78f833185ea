import { expect, test } from "bun:test";
import { join } from "node:path";
import { until } from "../support/until.ts";

const ROOT = join(import.meta.dir, "../..");

/** A program in a terminal of its own, as a person starts it. */
function inTerminal(program: string, env: Record<string, string>) {
	const decoder = new TextDecoder();
	const seen = { text: "" };
	const child = Bun.spawn([process.execPath, program], {
		cwd: ROOT,
		env: { ...process.env, ...env },
		terminal: {
			data(_, bytes) {
				seen.text += decoder.decode(bytes, { stream: true });
			},
		},
	});
	return Object.assign(child, { seen });
}

test.each([
	["relay/main.ts", { PORT: "0" }, /listening on/, /keys and passwords read anew/],
	[
		"agent/main.ts",
		{ CAMERA: "test:", RELAY_URL: "http://127.0.0.1:9" },
		/relay not reached/,
		/settings read anew/,
	],
] as [string, Record<string, string>, RegExp, RegExp][])(
	"%s reads its files anew on SIGHUP, and ends when its terminal is closed",
	async (program, env, started, reloaded) => {
		await using child = inTerminal(program, env);
		await until(() => started.test(child.seen.text), { what: "the start" });
		child.kill("SIGHUP");
		await until(() => reloaded.test(child.seen.text), { what: "the files read anew" });
		child.terminal!.close();
		expect(await child.exited).toBe(0);
	},
);
