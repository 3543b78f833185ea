// Runs everything on this machine: installs, builds the page, starts relay and agent, says where to look.
// Imports nothing that has to be installed first.
import { existsSync, statSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { join } from "node:path";

const ROOT = import.meta.dir;
const BUN = process.execPath;
const PAGE = join(ROOT, "viewer/dist/index.html");
const READY_MS = 20_000;
const POLL_MS = 100;
const STOP_MS = 4_000;

type Child = ReturnType<typeof spawn>;

process.chdir(ROOT);
await run("installing", [BUN, "install", "--frozen-lockfile", "--production"]);
if (await isPageStale()) await run("building the page", [BUN, "--bun", "run", "build"]);

const children: Child[] = [];
let isStopping = false;
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => void stop(0));

const relay = spawn([BUN, "relay/main.ts"]);
children.push(relay);
const url = await Promise.race([relay.url, relay.exited.then(() => null)]);
if (url === null) await stop(relay.exitCode || 1); // it has said why
const agent = spawn([BUN, "agent/main.ts"], { RELAY_URL: url! });
children.push(agent);
void relay.exited.then((code) => stop(code || 1));
void agent.exited.then((code) => stop(code || 1));

const isReady = await untilReady(`${url}/readyz`);
if (!isStopping)
	console.log(
		isReady
			? `\n  Watch it:  ${url}\n  Stop it:   Ctrl-C\n`
			: `\n  The page is at ${url}, but no camera is live yet: the lines above say why.\n`,
	);

function spawn(command: string[], environment: Record<string, string> = {}) {
	const child = Bun.spawn(command, {
		env: { ...process.env, NODE_ENV: "production", ...environment },
		stdio: ["ignore", "pipe", "inherit"],
	});
	const listening = Promise.withResolvers<string>();
	void (async () => {
		let seen = "";
		const decoder = new TextDecoder();
		for await (const chunk of child.stdout) {
			process.stdout.write(chunk);
			if (seen.length > 10_000) continue;
			seen += decoder.decode(chunk, { stream: true });
			const address = /listening on (http\S+?)["\s]/.exec(seen)?.[1];
			// Listening everywhere is no address to dial.
			if (address)
				listening.resolve(address.replace("://0.0.0.0:", "://127.0.0.1:").replace("://[::]:", "://[::1]:"));
		}
	})();
	return Object.assign(child, { url: listening.promise });
}

async function untilReady(address: string): Promise<boolean> {
	for (
		const deadline = Date.now() + READY_MS;
		Date.now() < deadline && !isStopping;
		await Bun.sleep(POLL_MS)
	) {
		const response = await fetch(address).catch(() => null);
		if (response?.ok) return true;
	}
	return false;
}

async function stop(exitCode: number): Promise<never> {
	if (isStopping) return new Promise(() => {});
	isStopping = true;
	for (const child of children) child.kill("SIGTERM");
	const force = setTimeout(() => {
		for (const child of children) child.kill("SIGKILL");
	}, STOP_MS);
	await Promise.all(children.map((child) => child.exited));
	clearTimeout(force);
	process.exit(exitCode);
}

async function run(what: string, command: string[]): Promise<void> {
	console.log(`${what} ...`);
	const child = Bun.spawn(command, { stdio: ["ignore", "pipe", "pipe"] });
	const [code, out, errors] = await Promise.all([
		child.exited,
		new Response(child.stdout).text(),
		new Response(child.stderr).text(),
	]);
	if (code === 0) return;
	console.error(`${what} failed:\n${out}${errors}`);
	process.exit(code || 1);
}

/** Whether any source of the page is newer than the built page. */
async function isPageStale(): Promise<boolean> {
	if (!existsSync(PAGE)) return true;
	const builtTime = statSync(PAGE).mtimeMs;
	for (const folder of ["viewer", "shared", "package.json", "bun.lock"]) {
		const path = join(ROOT, folder);
		if (!statSync(path).isDirectory()) {
			if (statSync(path).mtimeMs > builtTime) return true;
			continue;
		}
		for (const entry of await readdir(path, { recursive: true, withFileTypes: true }))
			if (
				entry.isFile() &&
				!entry.parentPath.includes("dist") &&
				statSync(join(entry.parentPath, entry.name)).mtimeMs > builtTime
			)
				return true;
	}
	return false;
}
