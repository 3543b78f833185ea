import { write } from "node:fs";
import { promisify } from "node:util";
import { Command } from "commander";
import { report } from "#shared/finding.ts";
import { flushLog, Log, logThrough, setLogFormat } from "#shared/log.ts";
import { type AgentConfig, ConfigError, readConfig } from "./config.ts";
import { onHangup } from "./hangup.ts";
import { supervise } from "./supervisor.ts";

const EXIT_CONFIG = 2;
const EXIT_PROBLEM = 1;

const command = new Command("bun run agent")
	.description("Runs next to the cameras and sends a relay only what somebody watches.")
	.option("--list", "list the webcams of this machine and exit")
	.option(
		"--doctor",
		"examine this machine, the sources and the relay, say what to do, and exit: 1 with a problem",
	)
	.option("--json", "with --doctor: the findings as one JSON object")
	.addHelpText(
		"after",
		`
Environment:
  RELAY_URL     the relay (http://127.0.0.1:6732)
  CAMERA        one source; not set: the first webcam found, else the test card
                  test:                       moving test card, test:?size=1920x1080&fps=60
                  webcam:                     first webcam found
                  webcam:ID                   one of those that --list prints, ?size=1280x720&fps=30
                  rtsp://HOST/PATH            IP camera, also rtsps://
                  http://HOST/PATH            MJPEG over HTTP, also https://; USER:PASSWORD@HOST logs in
                  PATH                        video file, looped
  CAMERA_NAME   what people call it
  RELAY_KEY     the key the relay asks for, made there by "bun run relay key CAMERA"; RELAY_KEY_FILE: a file with it;
                several with commas between
  CAMERAS_FILE  several cameras, a TOML file instead of CAMERA:
                  relay = "https://cams.example.org"   (optional)
                  [[camera]]
                  id = "bench-2"
                  name = "Bench 2"
                  source = "rtsp://10.0.0.7/stream"
                  key = "sk_..."                       (optional)
                read anew on SIGHUP: cameras that stay the same go on
  ENCODER       who encodes H.264: software, nvenc, videotoolbox, or auto: what of them works (software)
  LOG_FORMAT    text or json (text)`,
	)
	.allowExcessArguments(false)
	.parse();
const options = command.opts<{ list?: true; doctor?: true; json?: true }>();
if (options.json && !options.doctor) command.error("error: --json goes with --doctor");

if (options.list) {
	await printWebcams();
	process.exit(0);
}
if (options.doctor) {
	const { agentFindings } = await import("./doctor.ts");
	const isSound = await report(agentFindings(), { isJson: options.json ?? false, print: console.log });
	process.exit(isSound ? 0 : EXIT_PROBLEM);
}

const config = configOrExit();
setLogFormat(config.logFormat);
logThrough(promisify(write));
const log = new Log("agent");
if (config.publishKeys.length > 0 && isPlainToOthers(config.publishUrl))
	log.warn("the key and the pictures travel unencrypted: give the relay TLS and an https:// address");
const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.abort());
const reloads = new EventTarget();
onHangup({ reload: () => reloads.dispatchEvent(new Event("reload")), end: () => stopping.abort() });
await supervise(config.mostCameras, { signal: stopping.signal, reloads });
log.info("stopped");
await flushLog();
process.exit(0);

/** Whether what is said to this address can be read on its way. */
function isPlainToOthers(url: string): boolean {
	const { protocol, hostname } = new URL(url);
	return protocol === "ws:" && !/^(localhost|127\.[\d.]+|\[::1\])$/.test(hostname);
}

async function printWebcams(): Promise<void> {
	const { listWebcams } = await import("./webcam.ts");
	const webcams = await listWebcams();
	if (webcams.length === 0) console.log("No webcam found on this machine.");
	for (const { id, name } of webcams) console.log(`${name}\n  CAMERA="webcam:${id}"`);
}

function configOrExit(): AgentConfig {
	try {
		return readConfig();
	} catch (cause) {
		if (!(cause instanceof ConfigError)) throw cause;
		for (const line of cause.message.split("\n")) console.error(`agent: ${line}`);
		process.exit(EXIT_CONFIG);
	}
}
