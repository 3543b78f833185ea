import { join } from "node:path";
import type { Subprocess } from "bun";
import { Backoff } from "#shared/backoff.ts";
import { Log } from "#shared/log.ts";
import { sleep } from "#shared/sleep.ts";
import { workerEnvironment } from "./config.ts";

const SILENT_MS = 3_000; // the worker says that it lives every 500 ms, from a loop that native code could block
const STARTING_MS = 15_000; // a cold disk may take this long to load the native libraries
const CHECK_MS = 250;
const STABLE_MS = 10_000;
const STOP_MS = 3_000;
const EXIT_REPLACED = 76; // the worker says that another process publishes its cameras

const log = new Log("agent");

/**
 * Keeps one worker process alive until the signal aborts: restarts it when it dies, kills it first when it hangs.
 * Passes every "reload" of `reloads` on to it. Native code (FFmpeg, libvips) runs in the worker alone, so no fault of it ends the agent.
 */
export async function supervise(
	cameraCount: number,
	{ signal, reloads }: { signal: AbortSignal; reloads: EventTarget },
): Promise<void> {
	const instance = `${process.pid}-${Math.random().toString(36).slice(2)}`;
	const backoff = new Backoff();
	while (!signal.aborted) {
		const startTime = performance.now();
		const ended = await runWorker({ instance, env: workerEnvironment(cameraCount) }, signal, reloads);
		if (signal.aborted || ended === `exit code ${EXIT_REPLACED}`) return;
		log.error("worker ended, starting another", { ended });
		if (performance.now() - startTime > STABLE_MS) backoff.reset();
		await sleep(backoff.next(), signal);
	}
}

/** Runs one worker to its end; resolves to how it ended. */
async function runWorker(
	{ instance, env }: { instance: string; env: Record<string, string | undefined> },
	signal: AbortSignal,
	reloads: EventTarget,
): Promise<string> {
	let heardTime = performance.now() + STARTING_MS - SILENT_MS;
	let isHung = false;
	const worker: Subprocess = Bun.spawn([process.execPath, join(import.meta.dir, "worker.ts"), instance], {
		env,
		stdio: ["ignore", "inherit", "inherit"],
		ipc: () => {
			heardTime = performance.now();
		},
	});
	const stop = () => {
		worker.kill("SIGTERM");
		setTimeout(() => worker.kill("SIGKILL"), STOP_MS).unref();
	};
	const reload = () => worker.kill("SIGHUP");
	signal.addEventListener("abort", stop, { once: true });
	reloads.addEventListener("reload", reload);
	const watchdog = setInterval(() => {
		if (performance.now() - heardTime < SILENT_MS || isHung || signal.aborted) return;
		isHung = true;
		log.error("worker hangs, killing it", { pid: worker.pid });
		worker.kill("SIGKILL");
	}, CHECK_MS);
	await worker.exited;
	clearInterval(watchdog);
	signal.removeEventListener("abort", stop);
	reloads.removeEventListener("reload", reload);
	return worker.signalCode === null ? `exit code ${worker.exitCode}` : String(worker.signalCode);
}
