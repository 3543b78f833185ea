import { write } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { Command } from "commander";
import { flushLog, Log, logThrough, setLogFormat, wordsOf } from "#shared/log.ts";
import { ConfigError, type RelayConfig, readConfig } from "./config.ts";
import { type Relay, startRelay } from "./server.ts";

const EXIT_CONFIG = 2;
const EXIT_FAILED = 1;

new Command("bun run relay")
	.description("Passes pictures from agents to viewers and serves the page.")
	.addHelpText(
		"after",
		`
Environment:
  HOST        address to listen on (127.0.0.1: this machine only)
  PORT        port to listen on (6732); 0 takes a free one
  REUSE_PORT  1: another relay with REUSE_PORT=1 may listen on the same port; on SIGTERM this one hands everybody
              over to it, and nobody sees a gap
  LOG_FORMAT  text or json (text)`,
	)
	.allowExcessArguments(false)
	.parse();

logThrough(promisify(write));
const log = new Log("relay");
const relay = start();

for (const signal of ["SIGINT", "SIGTERM"] as const)
	process.once(signal, async () => {
		log.info("stopping", { signal });
		await relay.stop();
		await flushLog();
		process.exit(0);
	});

function start(): Relay {
	const config = configOrExit();
	setLogFormat(config.logFormat);
	try {
		const started = startRelay(config, join(import.meta.dir, "../viewer/dist"));
		log.info(`listening on ${started.url} after ${Math.round(performance.now())} ms`);
		return started;
	} catch (cause) {
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
		for (const line of cause.message.split("\n")) console.error(`relay: ${line}`);
		process.exit(EXIT_CONFIG);
	}
}
