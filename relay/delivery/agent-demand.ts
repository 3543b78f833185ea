import type { ToAgentMessage } from "#shared/protocol.ts";
import type { CameraDemand } from "./demand.ts";
import type { KeyRequests } from "./key-requests.ts";

const REPEAT_MS = 1_000; // demand is repeated this often until it is confirmed

/** What is wanted of one camera. */
interface Wanted {
	readonly id: string;
	readonly demand: CameraDemand;
	readonly keys: KeyRequests;
}

/**
 * What one agent has been told to make: the whole demand on every change, again while it is unconfirmed, and the keys
 * somebody waits for. Pure: `now` is passed in, ms, any monotonic clock.
 */
export class AgentDemand {
	#version = 0;
	#told: { id: string; renditions: number[] }[] = [];
	#text = ""; // of what was told; empty while nothing was
	#sentTime = 0;
	#isConfirmed = true;

	/** The agent begins anew: nothing was told. */
	reset(): void {
		this.#told = [];
		this.#text = "";
		this.#isConfirmed = true;
	}

	/** The agent says that this version is in force. */
	confirm(version: number): void {
		if (version === this.#version) this.#isConfirmed = true;
	}

	/** What to tell it now, in order. */
	messages(cameras: readonly Wanted[], now: number): ToAgentMessage[] {
		const messages: ToAgentMessage[] = [];
		const wanted = cameras
			.map(({ id, demand }) => ({ id, renditions: demand.renditions(now) }))
			.filter(({ renditions }) => renditions.length > 0);
		const text = JSON.stringify(wanted);
		const isNew = text !== this.#text;
		if (isNew || (!this.#isConfirmed && now - this.#sentTime >= REPEAT_MS)) {
			if (isNew) {
				this.#version++;
				this.#expectKeys(cameras, wanted, now);
			}
			this.#told = wanted;
			this.#text = text;
			this.#sentTime = now;
			this.#isConfirmed = false;
			messages.push({ type: "demand", version: this.#version, cameras: wanted });
		}
		for (const { id, keys } of cameras)
			for (const rendition of keys.take(now))
				if (this.#isTold(id, rendition)) messages.push({ type: "key", camera: id, rendition });
		return messages;
	}

	/** What was not demanded before begins with a key by itself. */
	#expectKeys(
		cameras: readonly Wanted[],
		wanted: readonly { id: string; renditions: number[] }[],
		now: number,
	) {
		for (const { id, renditions } of wanted)
			for (const rendition of renditions)
				if (!this.#isTold(id, rendition))
					cameras.find((camera) => camera.id === id)?.keys.comesUnasked(rendition, now);
	}

	#isTold(camera: string, rendition: number): boolean {
		return this.#told.some(({ id, renditions }) => id === camera && renditions.includes(rendition));
	}
}
