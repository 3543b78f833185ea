import { write } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Command } from "commander";
import { report } from "#shared/finding.ts";
import { flushLog, Log, logThrough, setLogFormat, wordsOf } from "#shared/log.ts";
import { addCommands } from "./access/commands.ts";
import { ConfigError, type RelayConfig, readConfig } from "./config.ts";
import { relayFindings } from "./doctor.ts";
import { onHangup } from "./hangup.ts";
import { type Relay, startRelay } from "./server.ts";

const EXIT_CONFIG = 2;
const EXIT_FAILED = 1;
const PAGES = join(import.meta.dir, "../viewer/dist");
const RENEWAL_MS = 12 * 3_600_000; // certificates are renewed days before they expire

const command = new Command("bun run relay")
	.description("Passes pictures from agents to viewers and serves the page.")
	.option("--doctor", "examine this machine and the settings, say what to do, and exit: 1 with a problem")
	.option("--json", "with --doctor: the findings as one JSON object")
	.addHelpText(
		"after",
		`
Environment:
  HOST            address to listen on (127.0.0.1: this machine only)
  PORT            port to listen on (6732); 0 takes a free one
  REUSE_PORT      1: another relay with REUSE_PORT=1 may listen on the same port; on SIGTERM this one hands everybody
                  over to it, and nobody sees a gap
  LOG_FORMAT      text or json (text)
Who may, needed as soon as others can reach it (docs/host-publicly.md):
  PUBLISH_KEYS    CAMERA:HASH, ...; made by "bun run relay key CAMERA"
  VIEWERS         public, link or sign-in; others by name: "link, lobby:public"
  SIGNING_SECRET  signs links and sign-ins; made by "bun run relay secret"
  PASSWORDS       viewer:HASH, operator:HASH; made by "bun run relay password"
  DATA_DIR        keeps keys, links and revocations in this folder
  METRICS_TOKEN   lets a program read /metrics, which else is for operators; made like SIGNING_SECRET
                  (PUBLISH_KEYS, SIGNING_SECRET, PASSWORDS and METRICS_TOKEN also as NAME_FILE, a file's path; keys and
                  passwords in files are read anew on SIGHUP)
Where:
  PUBLIC_URL      what people type, such as https://cams.example.org
  TLS_CERT        certificate chain, a PEM file; TLS_KEY its key; read anew on SIGHUP and twice a day
  TRUSTED_PROXY   addresses of a proxy whose X-Forwarded-For is believed
  ALLOWED_ORIGINS other pages that may use this relay
  EXPOSED_HOST    address it is reached at where a container hides that
How many:
  MAX_CONNECTIONS (10000, less where the limit of open files is), MAX_CONNECTIONS_PER_ADDRESS (200),
  MAX_VIEWERS_PER_CAMERA`,
	)
	.allowExcessArguments(false)
	.action(run);
addCommands(command, configOrExit);
await command.parseAsync();

async function run({ doctor, json }: { doctor?: true; json?: true }): Promise<void> {
	if (doctor) process.exit((await examine(json ?? false)) ? 0 : EXIT_FAILED);
	if (json) command.error("error: --json goes with --doctor");
	logThrough(promisify(write));
	const log = new Log("relay");
	const config = configOrExit();
	setLogFormat(config.logFormat);
	const relay = startOrExit(config, log);
	const stop = async (why: string) => {
		log.info("stopping", { signal: why });
		await relay.stop();
		await flushLog();
		process.exit(0);
	};
	for (const signal of ["SIGINT", "SIGTERM"] as const) process.once(signal, () => void stop(signal));
	onHangup({ reload: () => readAnew(relay, log), end: () => void stop("SIGHUP") });
	if (config.tls) setInterval(() => relay.renewCertificate(), RENEWAL_MS);
}

/** Takes what files say now: certificate, keys, passwords. What cannot be read leaves all as it is. */
function readAnew(relay: Relay, log: Log): void {
	relay.renewCertificate();
	try {
		relay.renewAccess(readConfig());
	} catch (cause) {
		if (!(cause instanceof ConfigError)) throw cause;
		for (const why of cause.message.split("\n"))
			log.error("settings not read anew, the old ones stay", { why });
	}
}

function examine(isJson: boolean): Promise<boolean> {
	return report(relayFindings(PAGES), { isJson, print: console.log });
}

function startOrExit(config: RelayConfig, log: Log): Relay {
	try {
		const started = startRelay(config, PAGES);
		log.info(`listening on ${started.url} after ${Math.round(performance.now())} ms`);
		return started;
	} catch (cause) {
		if (cause instanceof ConfigError) exitFor(cause);
		const { code } = cause as { code?: unknown };
		if (code === "EADDRINUSE")
			console.error(`relay: PORT=${config.port}: another program listens there; set PORT to another number`);
		else if (code === "EADDRNOTAVAIL" || code === "EINVAL")
			console.error(`relay: HOST=${config.host}: not an address of this machine`);
		else console.error(`relay: HOST=${config.host} PORT=${config.port}: cannot listen: ${wordsOf(cause)}`);
		process.exit(EXIT_FAILED);
	}
}

function configOrExit(): RelayConfig {
	try {
		return readConfig();
	} catch (cause) {
		if (!(cause instanceof ConfigError)) throw cause;
		return exitFor(cause);
	}
}

/** One line for each problem; what a problem says further is indented. */
function exitFor({ message }: ConfigError): never {
	for (const line of message.split("\n")) console.error(line.startsWith(" ") ? line : `relay: ${line}`);
	process.exit(EXIT_CONFIG);
}
