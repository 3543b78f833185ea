import { readFileSync } from "node:fs";
import { z } from "zod";
import { type DoorSettings, parseProxies } from "./access/door.ts";
import { isExposed } from "./access/exposure.ts";
import { parsePasswords, type StoredPassword } from "./access/passwords.ts";
import { listOf, type Policy, parsePolicy } from "./access/policy.ts";
import { parsePublishKeys, type StoredKey } from "./access/publish-keys.ts";
import { MIN_SECRET_BYTES } from "./access/tokens.ts";
import { defaultConnections } from "./open-files.ts";

const SECRETS = ["SIGNING_SECRET", "PUBLISH_KEYS", "PASSWORDS", "METRICS_TOKEN"]; // never repeated in a message
const FILE_SUFFIX = "_FILE";

/** Everything the relay can be told, from the environment alone. */
const schema = z.object({
	HOST: z.string().min(1).default("127.0.0.1"),
	PORT: z
		.string()
		.regex(/^\d{1,5}$/, "expected a port number")
		.transform(Number)
		.refine((port) => port <= 65_535, "expected a port number up to 65535")
		.default(6732),
	REUSE_PORT: z
		.enum(["0", "1"])
		.transform((value) => value === "1")
		.default(false),
	LOG_FORMAT: z.enum(["text", "json"]).default("text"),
	EXPOSED_HOST: z.string().optional(),
	PUBLISH_KEYS: read(parsePublishKeys).default([]),
	VIEWERS: read(parsePolicy).optional(),
	PASSWORDS: read(parsePasswords).default([]),
	SIGNING_SECRET: read(secretOf).optional(),
	METRICS_TOKEN: read(bearerOf).optional(),
	DATA_DIR: z.string().optional(),
	PUBLIC_URL: read(originOf).optional(),
	ALLOWED_ORIGINS: read((text) => listOf(text).map((part) => originOf(part).origin)).default([]),
	TRUSTED_PROXY: read((text) => parseProxies(listOf(text))).optional(),
	TLS_CERT: z.string().optional(),
	TLS_KEY: z.string().optional(),
	MAX_CONNECTIONS: wholeNumber().optional(),
	MAX_CONNECTIONS_PER_ADDRESS: wholeNumber().optional(),
	MAX_VIEWERS_PER_CAMERA: wholeNumber().optional(),
});

export interface RelayConfig {
	/** Address to listen on; 127.0.0.1 lets nobody else in. */
	readonly host: string;
	/** 0 takes a free port. */
	readonly port: number;
	/** Shares the port with other relays that do, and hands its peers to them when it stops. */
	readonly sharesPort: boolean;
	readonly logFormat: "text" | "json";
	/** Files with the certificate chain and its key, PEM; null: no TLS. */
	readonly tls: { certPath: string; keyPath: string } | null;
	readonly door: DoorSettings;
	readonly access: {
		/** Whether others than this machine can reach it: then everything has to be said. */
		readonly isExposed: boolean;
		/** As the person set it, for messages. */
		readonly exposedBy: string;
		readonly publishKeys: readonly StoredKey[];
		/** Null: nobody said who may watch. */
		readonly policy: Policy | null;
		readonly passwords: readonly StoredPassword[];
		readonly secret: Uint8Array | null;
		/** What a program shows to read the metrics; null: none may. */
		readonly metricsToken: string | null;
		/** Where keys, links and revocations are kept; null: nowhere. */
		readonly dataFolder: string | null;
	};
	readonly limits: {
		readonly connections: number;
		readonly perAddress: number;
		readonly viewersPerCamera: number;
	};
}

/** Names every variable that is wrong, one line each. */
export class ConfigError extends Error {
	override readonly name = "ConfigError";
}

/** Reads the relay's settings; throws ConfigError with all problems at once. */
export function readConfig(environment: Record<string, string | undefined> = Bun.env): RelayConfig {
	const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
	const problems = readSecretFiles(given);
	const parsed = schema.safeParse(given);
	for (const issue of parsed.error?.issues ?? []) {
		const name = String(issue.path[0]);
		const value = SECRETS.includes(name) ? "" : `=${given[name] ?? ""}`;
		problems.push(`${name}${value}: ${issue.message}`);
	}
	if ((given.TLS_CERT === undefined) !== (given.TLS_KEY === undefined))
		problems.push("TLS_CERT and TLS_KEY: set both or none");
	if (problems.length > 0 || !parsed.data) throw new ConfigError(problems.join("\n"));
	return configOf(parsed.data);
}

function configOf(data: z.infer<typeof schema>): RelayConfig {
	const { HOST, EXPOSED_HOST, PUBLIC_URL, TRUSTED_PROXY, TLS_CERT, TLS_KEY } = data;
	const exposure = {
		host: HOST,
		exposedHost: EXPOSED_HOST ?? null,
		publicUrl: PUBLIC_URL?.href ?? null,
		hasTrustedProxy: TRUSTED_PROXY !== undefined,
	};
	const exposedToOthers = isExposed(exposure);
	const connections = data.MAX_CONNECTIONS ?? defaultConnections();
	return {
		host: HOST,
		port: data.PORT,
		sharesPort: data.REUSE_PORT,
		logFormat: data.LOG_FORMAT,
		tls: TLS_CERT && TLS_KEY ? { certPath: TLS_CERT, keyPath: TLS_KEY } : null,
		door: {
			publicUrl: PUBLIC_URL ?? null,
			allowedOrigins: data.ALLOWED_ORIGINS,
			trustedProxies: TRUSTED_PROXY ?? null,
			refusesProxies: !exposedToOthers,
			isTls: TLS_CERT !== undefined,
		},
		access: {
			isExposed: exposedToOthers,
			exposedBy: exposedBy(data),
			publishKeys: data.PUBLISH_KEYS,
			policy: data.VIEWERS ?? null,
			passwords: data.PASSWORDS,
			secret: data.SIGNING_SECRET ?? null,
			metricsToken: data.METRICS_TOKEN ?? null,
			dataFolder: data.DATA_DIR ?? null,
		},
		limits: {
			connections,
			// Alone on this machine everybody has the same address.
			perAddress: data.MAX_CONNECTIONS_PER_ADDRESS ?? (exposedToOthers ? 200 : connections),
			viewersPerCamera: data.MAX_VIEWERS_PER_CAMERA ?? connections,
		},
	};
}

function exposedBy({ HOST, EXPOSED_HOST, PUBLIC_URL, TRUSTED_PROXY }: z.infer<typeof schema>): string {
	if (TRUSTED_PROXY !== undefined) return "TRUSTED_PROXY";
	if (EXPOSED_HOST !== undefined && isExposed({ host: EXPOSED_HOST, exposedHost: null, ...NOTHING_ELSE }))
		return `EXPOSED_HOST=${EXPOSED_HOST}`;
	if (EXPOSED_HOST === undefined && isExposed({ host: HOST, exposedHost: null, ...NOTHING_ELSE }))
		return `HOST=${HOST}`;
	return `PUBLIC_URL=${PUBLIC_URL?.origin}`;
}

const NOTHING_ELSE = { publicUrl: null, hasTrustedProxy: false };

/** Takes secrets from the files that NAME_FILE names, as containers hand them over; returns what went wrong. */
function readSecretFiles(given: Record<string, string | undefined>): string[] {
	return SECRETS.flatMap((name) => {
		const path = given[name + FILE_SUFFIX];
		if (path === undefined) return [];
		if (given[name] !== undefined) return [`${name} and ${name}${FILE_SUFFIX} are both set`];
		try {
			given[name] = readFileSync(path, "utf8").trim();
			return [];
		} catch (cause) {
			return [`${name}${FILE_SUFFIX}=${path}: cannot be read (${(cause as NodeJS.ErrnoException).code})`];
		}
	});
}

/** A zod check that is one of our own parsers; its RangeError becomes the message. */
function read<T>(parse: (text: string) => T) {
	return z.string().transform((text, context): T => {
		try {
			return parse(text);
		} catch (cause) {
			if (!(cause instanceof RangeError)) throw cause;
			context.addIssue({ code: "custom", message: cause.message });
			return z.NEVER;
		}
	});
}

function wholeNumber() {
	return z
		.string()
		.regex(/^[1-9]\d{0,6}$/, "expected a whole number from 1")
		.transform(Number);
}

function secretOf(text: string): Uint8Array {
	const bytes = new TextEncoder().encode(text);
	if (bytes.length < MIN_SECRET_BYTES)
		throw new RangeError(
			`expected at least ${MIN_SECRET_BYTES} characters, as "bun run relay secret" prints them`,
		);
	return bytes;
}

function bearerOf(text: string): string {
	secretOf(text);
	if (!/^[\x21-\x7e]+$/.test(text)) throw new RangeError("expected letters, digits and signs without spaces");
	return text;
}

function originOf(text: string): URL {
	const url = URL.parse(text);
	const isWhole =
		url && /^https?:$/.test(url.protocol) && url.username === "" && url.search + url.hash === "";
	if (!isWhole || url.pathname !== "/")
		throw new RangeError(`"${text}": expected an address such as https://cams.example.org`);
	return url;
}
