import { join } from "node:path";
import type { Link } from "../../viewer/downlink.ts";
import { until } from "./until.ts";

/** What the process of a crowd is started with. */
export interface CrowdLaunch {
	/** The relay's, with http: and no slash at the end. */
	url: string;
	count: number;
	camera: string;
	rendition: number | null;
	/** They come one after the other within this time. */
	joinMs: number;
}

export type CrowdOrder = "mark" | "report";

/** What one viewer saw since the last mark; instants are ms since the Unix epoch by this machine's clock. */
export interface Spectator {
	link: Link["is"];
	/** In the relay's words; null while it does not list the camera. */
	cameraState: string | null;
	/** When it dialed. */
	dials: number[];
	frames: number;
	/** Frames older than one it had already. */
	older: number;
	/** Since the mark and the last loss of the connection. */
	firstFrameTime: number | null;
	/** Since the mark and waking up: frames that were as new as they should be, and others. */
	ages: { fresh: number; stale: number };
	/** Between two frames, or since the last one. */
	longestGapMs: number;
}

interface Answer {
	order: CrowdOrder;
	spectators: Spectator[];
	ages: number[];
}

/** Many real viewers (the page's connection, without decoding) in a process of their own; `await using` ends it. */
export class Crowd implements AsyncDisposable {
	readonly #child: Bun.Subprocess;
	#answered: (answer: Answer) => void = () => {};

	/** Starts dialing at once; rendition 0 unless told. */
	constructor({
		url,
		count,
		camera,
		rendition = 0,
		joinMs = 0,
	}: Pick<CrowdLaunch, "url" | "count" | "camera"> & Partial<CrowdLaunch>) {
		const launch: CrowdLaunch = { url, count, camera, rendition, joinMs };
		this.#child = Bun.spawn(
			[process.execPath, join(import.meta.dir, "crowd-process.ts"), JSON.stringify(launch)],
			{
				stdio: ["ignore", "inherit", "inherit"],
				env: { ...process.env, BUN_FEATURE_FLAG_NO_ORPHANS: "1" },
				ipc: (answer: Answer) => this.#answered(answer),
			},
		);
	}

	get pid(): number {
		return this.#child.pid;
	}

	/** Everything is counted anew from now on. */
	async mark(): Promise<void> {
		await this.#ask("mark");
	}

	async report(): Promise<Spectator[]> {
		return (await this.#ask("report")).spectators;
	}

	/** Ages on arrival, ms, of all viewers' frames since the last mark. */
	async ages(): Promise<number[]> {
		return (await this.#ask("report")).ages;
	}

	/** Goes on after a SIGSTOP; counts anew from the first thing it does. */
	async wake(): Promise<void> {
		this.#child.send("mark"); // read before anything of the network that waited
		this.#child.kill("SIGCONT");
		await this.report();
	}

	/** Waits until this is true of every viewer. */
	async all(fits: (one: Spectator) => boolean, what: string, timeoutMs = 20_000): Promise<Spectator[]> {
		return await until(
			async () => {
				const all = await this.report();
				return all.every(fits) ? all : null;
			},
			{ what: `every viewer ${what}`, timeoutMs, intervalMs: 50 },
		);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#child.kill("SIGKILL");
		await this.#child.exited;
	}

	async #ask(order: CrowdOrder): Promise<Answer> {
		const { promise, resolve, reject } = Promise.withResolvers<Answer>();
		this.#answered = resolve;
		void this.#child.exited.then(() => reject(new Error("the crowd's process has ended")));
		this.#child.send(order);
		return await promise;
	}
}
