import { resolve } from "node:path";
import { birthmark, processTree } from "./proc.ts";
import { until } from "./until.ts";

const ROOT = resolve(import.meta.dir, "../..");
const GRACE_MS = 3_000; // what a product process promises to need at most after SIGTERM
const LINES_KEPT = 2_000;
const LINE_CHARS = 4_000;
const OWN_VARIABLES = [
	"HOST",
	"PORT",
	"REUSE_PORT",
	"RELAY_URL",
	"RELAY_KEY",
	"RELAY_KEY_FILE",
	"EXPOSED_HOST",
	"PUBLISH_KEYS",
	"PUBLISH_KEYS_FILE",
	"VIEWERS",
	"PASSWORDS",
	"PASSWORDS_FILE",
	"SIGNING_SECRET",
	"SIGNING_SECRET_FILE",
	"METRICS_TOKEN",
	"METRICS_TOKEN_FILE",
	"DATA_DIR",
	"PUBLIC_URL",
	"ALLOWED_ORIGINS",
	"TRUSTED_PROXY",
	"TLS_CERT",
	"TLS_KEY",
	"MAX_CONNECTIONS",
	"MAX_CONNECTIONS_PER_ADDRESS",
	"MAX_VIEWERS_PER_CAMERA",
	"CAMERA",
	"CAMERA_NAME",
	"CAMERAS_FILE",
	"ENCODER",
	"LOG_FORMAT",
	"NODE_ENV",
];

const LISTENING = /(?:http|rtsp):\/\/127\.0\.0\.1:\d+/;

/** Environment on top of the test's own; `undefined` removes a variable. */
type Environment = Record<string, string | undefined>;

/** What to start. */
export interface Launch {
	/** Names the process in error messages. */
	name: string;
	/** Program and arguments; `["bun", ...]` is the Bun that runs the test. */
	command: readonly string[];
	env?: Environment;
	/** The repository unless told. */
	cwd?: string;
	/** What it reads from its standard input; nothing unless told. */
	input?: string;
}

/** A process the test owns: `await using` ends it with all its descendants. */
export class Running implements AsyncDisposable {
	readonly name: string;
	/** The last 2 000 lines of stdout and stderr, in arrival order. */
	readonly lines: string[] = [];
	/** Lines seen since the start, including those no longer kept. */
	lineCount = 0;
	readonly #child: Bun.Subprocess<"ignore" | Blob, "pipe", "pipe">;
	readonly #drained: Promise<unknown>;

	/** Starts the process at once. */
	constructor({ name, command, env, cwd = ROOT, input }: Launch) {
		this.name = name;
		const [program = "bun", ...args] = command;
		this.#child = Bun.spawn([program === "bun" ? process.execPath : program, ...args], {
			cwd,
			env: childEnvironment(env),
			stdin: input === undefined ? "ignore" : new Blob([input]),
			stdout: "pipe",
			stderr: "pipe",
		});
		this.#drained = Promise.all([this.#read(this.#child.stdout), this.#read(this.#child.stderr)]);
	}

	get pid(): number {
		return this.#child.pid;
	}

	/** Resolves to the exit code; 128 + n for a process ended by signal n. */
	get exited(): Promise<number> {
		return this.#child.exited;
	}

	/** Sends a signal to this process alone, not to its children. */
	kill(signal: NodeJS.Signals = "SIGTERM"): void {
		this.#child.kill(signal);
	}

	/** The first kept line that matches, already printed or still to come; `after` is an earlier `lineCount`. */
	async waitForLine(pattern: RegExp, timeoutMs = 10_000, after = 0): Promise<string> {
		let seen = after;
		const search = async () => {
			const ended = this.#child.exitCode !== null || this.#child.signalCode !== null;
			if (ended) await this.#drained;
			const first = this.lineCount - this.lines.length;
			const found = this.lines.slice(Math.max(0, seen - first)).find((line) => pattern.test(line));
			seen = this.lineCount;
			return found ?? (ended ? { ended: await this.exited } : null);
		};
		const what = `a line of ${this.name} like ${pattern}`;
		const answer = await until(search, { what, timeoutMs }).catch((cause) => {
			throw new Error(`${cause.message}; it printed:\n${this.#tail()}`);
		});
		if (typeof answer === "string") return answer;
		throw new Error(`${this.name} ended with ${answer.ended} before ${what}; it printed:\n${this.#tail()}`);
	}

	/** SIGTERM, SIGKILL for whatever is left of the tree after 3 s; resolves when everything is gone. */
	async [Symbol.asyncDispose](): Promise<void> {
		const tree = new Map<number, string | null>();
		const survivors = () => {
			for (const pid of processTree(this.pid)) tree.set(pid, birthmark(pid));
			return [...tree].filter(([pid, mark]) => mark !== null && birthmark(pid) === mark);
		};
		survivors();
		this.kill("SIGCONT"); // a stopped process would never see the SIGTERM
		this.kill("SIGTERM");
		const what = `the end of ${this.name}`;
		const gone = () => survivors().length === 0;
		await until(gone, { what, timeoutMs: GRACE_MS }).catch(() => {
			for (const [pid] of survivors()) {
				try {
					process.kill(pid, "SIGKILL");
				} catch {
					// it ended between being listed and being killed
				}
			}
		});
		await until(gone, { what });
		await this.#drained;
	}

	async #read(stream: ReadableStream<Uint8Array>): Promise<void> {
		const decoder = new TextDecoder();
		let rest = "";
		for await (const chunk of stream) {
			const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
			rest = (lines.pop() ?? "").slice(0, LINE_CHARS);
			for (const line of lines) this.#keep(line);
		}
		if (rest) this.#keep(rest);
	}

	#keep(line: string): void {
		this.lineCount += 1;
		this.lines.push(line.slice(0, LINE_CHARS));
		if (this.lines.length > LINES_KEPT) this.lines.shift();
	}

	#tail(): string {
		return this.lines.slice(-30).join("\n") || "(nothing)";
	}
}

/** What a relay is started with. */
export interface RelayLaunch {
	/** 0, any free one, unless told. */
	port?: number;
	env?: Environment;
}

/** A relay that listens on 127.0.0.1; `url` has no slash at the end. */
export async function startRelay({ port = 0, env }: RelayLaunch = {}): Promise<Running & { url: string }> {
	const command = ["bun", "relay/main.ts"];
	const own = { HOST: "127.0.0.1", PORT: `${port}` };
	return await listening(new Running({ name: "relay", command, env: { ...own, ...env } }));
}

/** What an agent is started with. */
export interface AgentLaunch {
	relayUrl: string;
	/** A source, as in the CAMERA variable. */
	camera?: string;
	args?: readonly string[];
	env?: Environment;
}

/** An agent, started but not yet connected. */
export function startAgent({ relayUrl, camera, args = [], env }: AgentLaunch): Running {
	const own = { RELAY_URL: relayUrl, CAMERA: camera };
	return new Running({ name: "agent", command: ["bun", "agent/main.ts", ...args], env: { ...own, ...env } });
}

/** Waits for the line in which a server prints its http://127.0.0.1:PORT; ends the process if it never comes. */
export async function listening(running: Running): Promise<Running & { url: string }> {
	try {
		const line = await running.waitForLine(LISTENING);
		return Object.assign(running, { url: LISTENING.exec(line)?.[0] ?? "" });
	} catch (cause) {
		await running[Symbol.asyncDispose]();
		throw cause;
	}
}

function childEnvironment(env: Environment = {}): Environment {
	const inherited = Object.entries(process.env).filter(([name]) => !OWN_VARIABLES.includes(name));
	// The children die with the test process even when that is killed hard.
	return { ...Object.fromEntries(inherited), BUN_FEATURE_FLAG_NO_ORPHANS: "1", ...env };
}
