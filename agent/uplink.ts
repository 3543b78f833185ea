import { Backoff } from "#shared/backoff.ts";
import { localNow } from "#shared/clock.ts";
import { RETRY_LATER_MS, retryAfter } from "#shared/close.ts";
import { Log } from "#shared/log.ts";
import { sleep } from "#shared/sleep.ts";
import type { Camera } from "./camera.ts";
import type { EncodedFrame } from "./pipeline.ts";
import { type RelayAddress, UplinkSession } from "./uplink-session.ts";

const PROVEN_MS = 5_000; // a connection that lasted this long was good: its loss is answered at once

const log = new Log("agent");

/** The agent's way to its relay: keeps one connection open for as long as it runs. */
export class Uplink {
	#relay: RelayAddress;
	readonly #instance: string;
	readonly #cameras: () => readonly Camera[];
	#session: UplinkSession | null = null;

	/** `instance` is the same for every connection of one running agent; `cameras` tells those of now. */
	constructor(relay: RelayAddress, instance: string, cameras: () => readonly Camera[]) {
		this.#relay = relay;
		this.#instance = instance;
		this.#cameras = cameras;
	}

	/** Whether a frame sent now would arrive without queueing. */
	admits(intervalMs: number): boolean {
		return this.#session?.admits(intervalMs) ?? false;
	}

	/** The same for a further rendition of a raw frame, behind `aheadBytes` that are about to be sent. */
	admitsBehind(intervalMs: number, frame: { bytes: number; aheadBytes: number }): boolean {
		return this.#session?.admitsBehind(intervalMs, frame) ?? false;
	}

	/** False when there is no connection it could go over. */
	send(camera: Camera, frame: EncodedFrame): boolean {
		return this.#session?.send(camera, frame) ?? false;
	}

	/** Tells the relay how the camera is now. */
	tellCamera(camera: Camera): void {
		this.#session?.tellCamera(camera);
	}

	/** The cameras have changed: the relay is told. With another address or other keys it is dialled anew. */
	changed(relay: RelayAddress): void {
		const isSame = relay.url === this.#relay.url && relay.keys.join() === this.#relay.keys.join();
		this.#relay = relay;
		if (isSame) this.#session?.republish();
		else this.#session?.hangUp("settings changed");
	}

	/**
	 * Connects, and again whenever the connection ends, until the signal aborts. Resolves early when another process
	 * of this agent has taken over: to dial again would only push that one out.
	 */
	async run(signal: AbortSignal): Promise<void> {
		const backoff = new Backoff();
		let lastWords = "";
		while (!signal.aborted) {
			const { url } = this.#relay;
			const session = new UplinkSession(this.#relay, this.#instance, this.#cameras);
			this.#session = session;
			let readyTime: number | null = null;
			const ended = await session.run(signal, () => {
				readyTime = localNow();
				if (lastWords !== "" || backoff.attempt === 0) log.info("publishing", { relay: url });
				lastWords = "";
			});
			this.#session = null;
			for (const camera of this.#cameras()) camera.demand([]);
			if (signal.aborted) return;
			const words =
				ended.words ||
				(ended.code === 1006 ? "nothing there that speaks with us" : `closed with ${ended.code}`);
			const what = readyTime === null ? "relay not reached, trying again" : "relay lost, trying again";
			if (words !== lastWords) log.warn(what, { relay: url, why: words });
			lastWords = words;
			const retry = retryAfter(ended.code);
			if (retry === "never") return;
			if (readyTime !== null && localNow() - readyTime > PROVEN_MS) backoff.reset();
			await sleep(retry === "soon" ? backoff.next() : RETRY_LATER_MS, signal);
		}
	}
}
