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

const args = process.argv.slice(2);
if (args.length > 0) {
	const isHelp = args.includes("--help") || args.includes("-h");
	(isHelp ? console.log : console.error)(
		`${isHelp ? "" : `start: takes no arguments (${args.join(" ")})\n`}usage: bun start
Installs, builds the page, runs relay and agent on this machine and prints the address. Settings are variables:
  CAMERA='test:?size=1920x1080' bun start   another source than the first webcam or the test card
  CAMERAS_FILE=cameras.toml bun start       several cameras
  PORT=8080 bun start                       another port than 6732
  HOST=0.0.0.0 bun start                    for others too: says first what to set, see docs/host-publicly.md
All settings: bun run relay --help, bun run agent --help`,
	);
	process.exit(isHelp ? 0 : 2);
}

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

const trouble = await untilReady(url!);
if (!isStopping)
	console.log(`\n  Watch it:  ${url}${trouble ? `\n             ${trouble}` : ""}\n  Stop it:   Ctrl-C\n`);

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

/** Waits for a live camera; resolves to what is wrong when there is none, null when all is well. */
async function untilReady(address: string): Promise<string | null> {
	type Camera = { name: string; state: string; detail: string | null };
	for (
		const deadline = Date.now() + READY_MS;
		Date.now() < deadline && !isStopping;
		await Bun.sleep(POLL_MS)
	) {
		if ((await fetch(`${address}/readyz`).catch(() => null))?.ok) return null;
		const response = await fetch(`${address}/api/cameras`).catch(() => null);
		const cameras = response?.ok ? ((await response.json()) as Camera[]) : [];
		const lost = cameras.find(({ state }) => state === "offline");
		if (lost) return `no picture yet: ${lost.name}: ${lost.detail ?? "offline"}; it is tried again by itself`;
	}
	return "no camera yet: the lines above say why";
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
