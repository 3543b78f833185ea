import { expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { cpuMs, isAlive, openDescriptors, processTree, rssBytes } from "./proc.ts";
import { listening, Running } from "./processes.ts";
import { until } from "./until.ts";

async function script(source: string) {
	const folder = await mkdtemp(join(tmpdir(), "stand-in-"));
	await Bun.write(join(folder, "main.ts"), source);
	return {
		launch: { name: "stand-in", command: ["bun", "main.ts"], cwd: folder },
		[Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
	};
}

const SERVER = `
	const server = Bun.serve({ hostname: "127.0.0.1", port: 0, fetch: () => new Response("here") });
	console.error("a warning");
	console.log(JSON.stringify({ msg: "listening", url: String(server.url) }));
	await fetch(server.url).then((response) => response.text());
	while (process.cpuUsage().user < 60_000);
	console.log("served one");
`;

test("a server's address is read from the line it prints, and later lines are found too", async () => {
	await using folder = await script(SERVER);
	await using running = await listening(new Running(folder.launch));
	expect(await (await fetch(running.url)).text()).toBe("here");
	expect(await running.waitForLine(/served/)).toBe("served one");
	expect(running.lines).toContain("a warning");
	expect(rssBytes(running.pid)).toBeGreaterThan(5e6);
	expect(cpuMs(running.pid)).toBeGreaterThanOrEqual(50);
	expect(openDescriptors(running.pid)).toBeGreaterThan(3);
});

test("leaving the scope ends a tree that ignores SIGTERM, stopped children included", async () => {
	await using folder = await script(`
		process.on("SIGTERM", () => {});
		if (process.argv[2] === "leaf") setInterval(() => {}, 1000);
		else {
			const leaf = Bun.spawn([process.execPath, "main.ts", "leaf"], { stdout: "inherit" });
			console.log("leaf", leaf.pid);
			await leaf.exited;
		}
	`);
	let tree: number[] = [];
	{
		await using running = new Running(folder.launch);
		const leaf = Number((await running.waitForLine(/^leaf/)).split(" ")[1]);
		tree = processTree(running.pid);
		expect(tree).toContain(leaf);
		process.kill(leaf, "SIGSTOP");
	}
	expect(tree.filter(isAlive)).toEqual([]);
}, 10_000);

test("a process that ends early says what it printed", async () => {
	await using folder = await script(`console.error("PORT: abc is not a number"); process.exit(2);`);
	const start = listening(new Running(folder.launch));
	await expect(start).rejects.toThrow(/ended with 2 before .*PORT: abc is not a number/s);
});

test("a killed process reports the signal, and what never happens is named", async () => {
	await using folder = await script("setInterval(() => {}, 1000);");
	await using running = new Running(folder.launch);
	running.kill("SIGKILL");
	expect(await running.exited).toBe(137);
	const never = until(() => false, { what: "a picture", timeoutMs: 30 });
	await expect(never).rejects.toThrow("after 30 ms, still waiting for a picture");
});
