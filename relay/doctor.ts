import { bunFinding, type Finding, ok, problem, warning } from "#shared/finding.ts";
import { wordsOf } from "#shared/log.ts";
import { ConfigError, type RelayConfig, readConfig } from "./config.ts";
import { accessFindings } from "./doctor-access.ts";
import { kernelFindings } from "./doctor-kernel.ts";
import { MOST_CONNECTIONS, openFilesLimit } from "./open-files.ts";
import { readPages } from "./pages.ts";

const ANSWER_MS = 2_000;
const ALL_ADDRESSES = new Map([
	["0.0.0.0", "127.0.0.1"],
	["::", "::1"],
]);

/** Examines what a relay with these settings would find here. Changes nothing, not even DATA_DIR. */
export async function* relayFindings(pagesFolder: string): AsyncGenerator<Finding, void> {
	yield bunFinding(Bun.version, `${process.platform} ${process.arch}`);
	let config: RelayConfig;
	try {
		config = readConfig();
	} catch (cause) {
		if (!(cause instanceof ConfigError)) throw cause;
		return yield* cause.message.split("\n").map((line) => problem("settings", line, "bun run relay --help"));
	}
	yield ok("settings", "read and understood");
	yield await addressFinding(config);
	yield pageFinding(pagesFolder);
	yield* accessFindings(config);
	yield openFilesFinding(config);
	yield* kernelFindings();
}

/** Whether it could listen: by listening for a moment. */
async function addressFinding({ host, port, tls, sharesPort }: RelayConfig): Promise<Finding> {
	const topic = "address";
	try {
		Bun.listen({ hostname: host, port, socket: { data() {} } }).stop(true);
		return ok(topic, `${host} port ${port} is free`);
	} catch (cause) {
		const { code } = cause as { code?: unknown };
		if (code !== "EADDRINUSE")
			return problem(
				topic,
				`HOST=${host} PORT=${port}: ${wordsOf(cause)}`,
				"HOST: an address of this machine",
			);
		const name = ALL_ADDRESSES.get(host) ?? host;
		const url = `http${tls ? "s" : ""}://${name.includes(":") ? `[${name}]` : name}:${port}/healthz`;
		const options = { signal: AbortSignal.timeout(ANSWER_MS), tls: { rejectUnauthorized: false } };
		const answer = await fetch(url, options)
			.then((response) => response.json())
			.catch(() => null);
		if ((answer as { status?: string } | null)?.status === "ok")
			return sharesPort
				? ok(topic, `a relay runs on port ${port}: one started now takes its place`)
				: warning(topic, `a relay runs on port ${port} already`, "a second one needs another PORT");
		return problem(topic, `another program listens on port ${port}`, "set PORT to another number");
	}
}

function pageFinding(folder: string): Finding {
	const pages = readPages(folder);
	if (!pages.some(({ path }) => path === "/")) return problem("page", "not built", "bun run build");
	return ok("page", `built, ${pages.length} files`);
}

function openFilesFinding({ limits }: RelayConfig): Finding {
	const limit = openFilesLimit();
	const found = `${limit} at most, so ${limits.connections} connections`;
	if (limits.connections >= limit)
		return problem(
			"open files",
			found,
			"fewer MAX_CONNECTIONS, or raise it: ulimit -n, LimitNOFILE= in systemd",
		);
	if (limits.connections >= MOST_CONNECTIONS) return ok("open files", found);
	return ok("open files", found, "for more: ulimit -n 65536, LimitNOFILE= in systemd");
}
