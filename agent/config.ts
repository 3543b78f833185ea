import { readFileSync } from "node:fs";
import { parse as parseToml } from "smol-toml";
import { z } from "zod";
import { CAMERA_ID, MAX_CAMERAS } from "#shared/protocol.ts";
import { areKeys, BAD_KEY, keysIn, readKeyFile } from "./relay-keys.ts";
import { describeSource, parseSource, redact, type SourceSpec, SourceSpecError } from "./source-spec.ts";

/** One camera to run; `spec` null = the first webcam found, else the test card. */
export interface CameraConfig {
	readonly id: string;
	readonly name: string;
	/** False when nobody named it: then it is called by what is found. */
	readonly isNamed: boolean;
	readonly spec: SourceSpec | null;
}

export interface AgentConfig {
	/** Where to publish, with ws: or wss:, ending in /publish. */
	readonly publishUrl: string;
	/** What the relay asks for before it takes pictures; sent in a header, never in the address. */
	readonly publishKeys: readonly string[];
	readonly cameras: readonly CameraConfig[];
	/** How many there may be without a new start: a file is read anew on SIGHUP. */
	readonly mostCameras: number;
	/** Who encodes H.264; `auto`: hardware that works here, else software. */
	readonly encoder: (typeof ENCODERS)[number];
	readonly logFormat: "text" | "json";
}

/** Names what is wrong, one line per problem: the variable, or the file and its line or field. */
export class ConfigError extends Error {
	override readonly name = "ConfigError";
}

const DEFAULT_RELAY = "http://127.0.0.1:6732";
const MAX_NAME = 64;
const UNNAMED: CameraConfig = { id: "camera", name: "Camera", isNamed: false, spec: null };
const THREADS_A_CAMERA = 2; // one in a read that blocks, one decoding or opening
const ENCODE_THREADS = 4;
const LOG_THREADS = 1; // a log nobody reads holds one
const MIN_THREADS = 8;

const ENCODERS = ["auto", "software", "nvenc", "videotoolbox"] as const;

const environmentSchema = z.object({
	RELAY_URL: z.string().default(DEFAULT_RELAY),
	CAMERA: z.string().optional(),
	CAMERA_NAME: z.string().max(MAX_NAME).optional(),
	CAMERAS_FILE: z.string().optional(),
	RELAY_KEY: z.string().refine(areKeys, BAD_KEY).optional(),
	ENCODER: z.enum(ENCODERS).default("software"),
	LOG_FORMAT: z.enum(["text", "json"]).default("text"),
});

const fileSchema = z.strictObject({
	relay: z.string().optional(),
	camera: z
		.array(
			z.strictObject({
				id: z.string().regex(CAMERA_ID, "expected 1 to 63 lower case letters, digits or dashes"),
				name: z.string().min(1).max(MAX_NAME).optional(),
				source: z.string(),
				key: z.string().refine(areKeys, BAD_KEY).optional(),
			}),
		)
		.min(1)
		.max(MAX_CAMERAS),
});

/** Reads the agent's settings; throws ConfigError with all problems at once. */
export function readConfig(environment: Record<string, string | undefined> = Bun.env): AgentConfig {
	const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
	const problems = readKeyFile(given);
	const attempt = <T>(read: () => T, fallback: T): T => {
		try {
			return read();
		} catch (cause) {
			if (!(cause instanceof ConfigError)) throw cause;
			problems.push(cause.message);
			return fallback;
		}
	};
	const parsed = environmentSchema.safeParse(given);
	if (!parsed.success)
		for (const issue of parsed.error.issues) problems.push(`${String(issue.path[0])}: ${issue.message}`);
	const { RELAY_URL = DEFAULT_RELAY, CAMERA, CAMERA_NAME, CAMERAS_FILE } = given;
	if (CAMERA && CAMERAS_FILE)
		problems.push("CAMERA and CAMERAS_FILE are both set: one of them says which cameras there are");
	const file = CAMERAS_FILE ? attempt(() => readCamerasFile(CAMERAS_FILE), null) : null;
	const isFromFile = given.RELAY_URL === undefined && file?.relay !== undefined;
	const [url, where] = isFromFile ? [file.relay!, `${CAMERAS_FILE}: relay`] : [RELAY_URL, "RELAY_URL"];
	const config: AgentConfig = {
		publishUrl: attempt(() => publishUrl(url, where), ""),
		publishKeys: [...new Set([...keysIn(given.RELAY_KEY ?? ""), ...(file?.keys ?? [])])],
		cameras: file?.cameras ?? [attempt(() => singleCamera(CAMERA, CAMERA_NAME), UNNAMED)],
		mostCameras: file ? MAX_CAMERAS : 1,
		encoder: parsed.data?.ENCODER ?? "software",
		logFormat: parsed.data?.LOG_FORMAT ?? "text",
	};
	if (problems.length > 0) throw new ConfigError(problems.join("\n"));
	return config;
}

function singleCamera(source: string | undefined, name: string | undefined): CameraConfig {
	const spec = source === undefined ? null : sourceOf(source, "CAMERA");
	if (name === undefined && spec === null) return UNNAMED;
	const chosen = name ?? nameOf(spec!);
	return { id: idOf(chosen), name: chosen, isNamed: true, spec };
}

/**
 * What the worker process is started with. Its native thread pool has one thread a core otherwise, and a source that
 * waits for its camera holds one: two silent cameras would stop every encode. Threads start when they are needed.
 */
export function workerEnvironment(mostCameras: number): Record<string, string | undefined> {
	const threads = Math.max(MIN_THREADS, ENCODE_THREADS + LOG_THREADS + THREADS_A_CAMERA * mostCameras);
	return { ...Bun.env, UV_THREADPOOL_SIZE: `${threads}` };
}

/** What a file says: `[[camera]]` tables with id, name (optional), source and key (optional), and `relay` (optional). */
interface CamerasFile {
	relay: string | undefined;
	cameras: CameraConfig[];
	keys: string[];
}

function readCamerasFile(path: string): CamerasFile {
	const fail = (words: string): never => {
		throw new ConfigError(`${path}: ${words}`);
	};
	let text: string;
	try {
		text = readFileSync(path, "utf8");
	} catch (cause) {
		const { code } = cause as NodeJS.ErrnoException;
		return fail(
			code === "ENOENT" ? "CAMERAS_FILE: no such file" : `CAMERAS_FILE cannot be read (${code ?? cause})`,
		);
	}
	let value: unknown;
	try {
		value = parseToml(text);
	} catch (cause) {
		const { message, line } = cause as Error & { line?: number };
		return fail(`line ${line}: ${message.split("\n")[0]?.replace("Invalid TOML document: ", "")}`);
	}
	const parsed = fileSchema.safeParse(value);
	if (!parsed.success)
		throw new ConfigError(
			parsed.error.issues.map((issue) => `${path}: ${fieldOf(issue.path)}${issue.message}`).join("\n"),
		);
	const ids = parsed.data.camera.map(({ id }) => id);
	const twice = ids.find((id, i) => ids.indexOf(id) !== i);
	if (twice) return fail(`camera: id "${twice}" stands there twice`);
	const problems: string[] = [];
	const cameras = parsed.data.camera.flatMap(({ id, name, source }, i) => {
		try {
			const spec = sourceOf(source, `${path}: camera[${i}].source`);
			return { id, name: name ?? id, isNamed: true, spec };
		} catch (cause) {
			problems.push((cause as Error).message);
			return [];
		}
	});
	if (problems.length > 0) throw new ConfigError(problems.join("\n"));
	return { relay: parsed.data.relay, cameras, keys: parsed.data.camera.flatMap(({ key }) => key ?? []) };
}

function fieldOf(path: readonly PropertyKey[]): string {
	if (path.length === 0) return "";
	return `${path.map((part) => (typeof part === "number" ? `[${part}]` : `.${String(part)}`)).join("")}: `.slice(
		1,
	);
}

function sourceOf(text: string, where: string): SourceSpec {
	try {
		return parseSource(text);
	} catch (cause) {
		if (cause instanceof SourceSpecError) throw new ConfigError(`${where}: ${cause.message}`);
		throw cause;
	}
}

function publishUrl(text: string, where: string): string {
	const url = URL.parse(text);
	const isSupported = url && /^(https?|wss?):$/.test(url.protocol) && url.hostname !== "";
	if (!isSupported)
		throw new ConfigError(`${where}="${redact(text)}": expected an address such as ${DEFAULT_RELAY}`);
	if (url.username || url.password) throw new ConfigError(`${where}: must not contain a user or password`);
	url.protocol = url.protocol.replace("http", "ws");
	if (!url.pathname.endsWith("/publish")) url.pathname = `${url.pathname.replace(/\/$/, "")}/publish`;
	url.search = "";
	url.hash = "";
	return url.href;
}

function nameOf(spec: SourceSpec): string {
	switch (spec.kind) {
		case "test":
			return "Test card";
		case "webcam":
			return "Webcam";
		case "file":
			return (
				describeSource(spec)
					.split(/[/\\]/)
					.at(-1)!
					.replace(/\.[^.]*$/, "")
					.slice(0, MAX_NAME) || "File"
			);
		case "rtsp":
		case "mjpeg":
			return new URL(spec.url).hostname.slice(0, MAX_NAME);
	}
}

/** A camera id from its name: "Bench 2" is bench-2. */
function idOf(name: string): string {
	const id = name
		.toLowerCase()
		.normalize("NFKD")
		.replace(/[^a-z0-9]+/g, "-")
		.slice(0, 63)
		.replace(/^-+|-+$/g, "");
	return id || "camera";
}
