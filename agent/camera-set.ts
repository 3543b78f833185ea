import type { Camera } from "./camera.ts";
import type { CameraConfig } from "./config.ts";

/** A camera that runs, and how to end it. */
interface Running {
	/** What it was made of, to see whether that changed. */
	text: string;
	camera: Camera;
	stopping: AbortController;
	/** Resolves when its source is closed. */
	closed: Promise<void>;
}

/** What `apply` did, for the log. */
export interface Change {
	added: string[];
	changed: string[];
	removed: string[];
}

/** The cameras of this agent, by id: those that run, and the steps to other ones. */
export class CameraSet {
	readonly #make: (config: CameraConfig) => Camera;
	readonly #onFault: (camera: Camera, cause: unknown) => Promise<void>;
	#running = new Map<string, Running>();
	#leaving: Promise<void>[] = [];

	/** `make` makes a camera, opening nothing; `onFault` hears of one that ends this process. */
	constructor(
		make: (config: CameraConfig) => Camera,
		onFault: (camera: Camera, cause: unknown) => Promise<void>,
	) {
		this.#make = make;
		this.#onFault = onFault;
	}

	get cameras(): readonly Camera[] {
		return Array.from(this.#running.values(), ({ camera }) => camera);
	}

	/** Ends the cameras that are not in the list or read differently there, starts the new ones; the others go on. */
	apply(configs: readonly CameraConfig[]): Change {
		const change: Change = { added: [], changed: [], removed: [] };
		const before = this.#running;
		this.#running = new Map();
		for (const config of configs) {
			const old = before.get(config.id);
			before.delete(config.id);
			if (old?.text === JSON.stringify(config)) {
				this.#running.set(config.id, old);
				continue;
			}
			change[old ? "changed" : "added"].push(config.id);
			old?.stopping.abort();
			this.#running.set(config.id, this.#start(config, old?.closed));
		}
		for (const [id, { stopping, closed }] of before) {
			change.removed.push(id);
			stopping.abort();
			this.#leaving.push(closed);
		}
		return change;
	}

	/** Ends all; resolves when every source is closed. */
	async stop(): Promise<void> {
		for (const { stopping } of this.#running.values()) stopping.abort();
		await Promise.all([...this.#leaving, ...Array.from(this.#running.values(), ({ closed }) => closed)]);
	}

	/** A device opens for one at a time: waits until the one before has closed it. */
	#start(config: CameraConfig, before: Promise<void> = Promise.resolve()): Running {
		const camera = this.#make(config);
		const stopping = new AbortController();
		const closed = before
			.then(() => camera.run(stopping.signal))
			.catch((cause) => this.#onFault(camera, cause));
		return { text: JSON.stringify(config), camera, stopping, closed };
	}
}
