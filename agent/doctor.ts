import { join } from "node:path";
import { bunFinding, type Finding, ok, problem } from "#shared/finding.ts";
import { type AgentConfig, ConfigError, readConfig, workerEnvironment } from "./config.ts";
import { relayFindings } from "./doctor-relay.ts";

const EXAMINATION_MS = 60_000;

/** Examines this machine, the settings, the sources and the relay; gives each finding as soon as it is known. */
export async function* agentFindings(): AsyncGenerator<Finding, void> {
	yield bunFinding(Bun.version, `${process.platform} ${process.arch}`);
	const config = configOrProblems();
	if (!("cameras" in config)) return yield* config;
	yield ok(
		"settings",
		`${config.cameras.length} camera${config.cameras.length === 1 ? "" : "s"}, read and understood`,
	);
	yield* nativeFindings(config);
	yield* relayFindings(config);
}

function configOrProblems(): AgentConfig | Finding[] {
	try {
		return readConfig();
	} catch (cause) {
		if (!(cause instanceof ConfigError)) throw cause;
		return cause.message.split("\n").map((line) => problem("settings", line, "bun run agent --help"));
	}
}

/** What the native libraries do here. They run in a process of their own: none of their faults ends the examination. */
async function* nativeFindings({ mostCameras }: AgentConfig): AsyncGenerator<Finding, void> {
	const waiting: Finding[] = [];
	let { promise: news, resolve: tell } = Promise.withResolvers<void>();
	const worker = Bun.spawn([process.execPath, join(import.meta.dir, "doctor-worker.ts")], {
		env: workerEnvironment(mostCameras),
		stdio: ["ignore", "ignore", "pipe"],
		ipc: (finding: Finding) => {
			waiting.push(finding);
			tell();
		},
	});
	const timer = setTimeout(() => worker.kill("SIGKILL"), EXAMINATION_MS);
	let isOver = false;
	const words = new Response(worker.stderr).text();
	void worker.exited.then(() => {
		isOver = true;
		tell();
	});
	while (!isOver || waiting.length > 0) {
		const next = waiting.shift();
		if (next) {
			yield next;
			continue;
		}
		await news;
		({ promise: news, resolve: tell } = Promise.withResolvers<void>());
	}
	clearTimeout(timer);
	if (worker.exitCode === 0) return;
	const how = worker.signalCode ?? `exit code ${worker.exitCode}`;
	const why = (await words).trim().split("\n").at(-1) ?? "";
	yield problem(
		"native code",
		`ended with ${how} ${why}`.trim(),
		"install anew: bun install; Alpine is not supported",
	);
}
