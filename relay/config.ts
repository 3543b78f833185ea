import { z } from "zod";

/** Everything the relay can be told, from the environment alone: it needs no disk. */
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
});

export interface RelayConfig {
	/** Address to listen on; 127.0.0.1 lets nobody else in. */
	readonly host: string;
	/** 0 takes a free port. */
	readonly port: number;
	/** Shares the port with other relays that do, and hands its peers to them when it stops. */
	readonly sharesPort: boolean;
	readonly logFormat: "text" | "json";
}

/** Names every variable that is wrong, one line each. */
export class ConfigError extends Error {
	override readonly name = "ConfigError";
}

/** Reads the relay's settings; throws ConfigError with all problems at once. */
export function readConfig(environment: Record<string, string | undefined> = Bun.env): RelayConfig {
	const given = Object.fromEntries(Object.entries(environment).filter(([, value]) => value !== ""));
	const parsed = schema.safeParse(given);
	if (!parsed.success) {
		const problems = parsed.error.issues.map((issue) => {
			const name = String(issue.path[0]);
			return `${name}=${environment[name] ?? ""}: ${issue.message}`;
		});
		throw new ConfigError(problems.join("\n"));
	}
	const { HOST, PORT, REUSE_PORT, LOG_FORMAT } = parsed.data;
	return { host: HOST, port: PORT, sharesPort: REUSE_PORT, logFormat: LOG_FORMAT };
}
