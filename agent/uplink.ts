import { Backoff } from "#shared/backoff.ts";
import { localNow } from "#shared/clock.ts";
import { RETRY_LATER_MS, retryAfter } from "#shared/close.ts";
import { Log } from "#shared/log.ts";
import { sleep } from "#shared/sleep.ts";
import type { Camera } from "./camera.ts";
import type { EncodedFrame } from "./pipeline.ts";
import { type Ended, type RelayAddress, UplinkSession } from "./uplink-session.ts";

const PROVEN_MS = 5_000; // a connection that lasted this long was good: its loss is answered at once

const RETRY_MS = [750, 1_500] as const; // without the agent nobody has a picture, and agents are few
const MOVE_MS = 200; // between dials to the relay that takes the present one's place
const MOVING_INTERVAL_MS = 1000 / 30; // while two are served each frame goes where there is room for it

const log = new Log("agent");

/** A connection and what became of it. */
interface Leg {
	session: UplinkSession;
	/** When frames could flow first; null before. */
	readyTime: number | null;
	ready: Promise<void>;
	ended: Promise<Ended>;
}

/**
 * The agent's way to its relay: keeps one connection open for as long as it runs, and two while one relay hands over
 * to the next.
 */
export class Uplink {
	#relay: RelayAddress;
	readonly #instance: string;
	readonly #cameras: () => readonly Camera[];
	#legs: readonly Leg[] = []; // the oldest first

	/** `instance` is the same for every connection of one running agent; `cameras` tells those of now. */
	constructor(relay: RelayAddress, instance: string, cameras: () => readonly Camera[]) {
		this.#relay = relay;
		this.#instance = instance;
		this.#cameras = cameras;
	}

	/** Whether a frame sent now would arrive without queueing. */
	admits(intervalMs: number): boolean {
		return this.#legs.some(({ session }) => session.admits(intervalMs));
	}

	/** The same for a further rendition of a raw frame, behind `aheadBytes` that are about to be sent. */
	admitsBehind(intervalMs: number, frame: { bytes: number; aheadBytes: number }): boolean {
		return this.#legs.some(({ session }) => session.admitsBehind(intervalMs, frame));
	}

	/** False when there is no connection it could go over. */
	send(camera: Camera, frame: EncodedFrame): boolean {
		if (this.#legs.length === 1) return this.#legs[0]!.session.send(camera, frame);
		const takers = this.#legs.filter(
			({ session }) =>
				session.demanded(camera).includes(frame.rendition.id) && session.admits(MOVING_INTERVAL_MS),
		);
		return takers.map(({ session }) => session.send(camera, frame)).includes(true);
	}

	/** Tells the relay how the camera is now. */
	tellCamera(camera: Camera): void {
		for (const { session } of this.#legs) session.tellCamera(camera);
	}

	/** The cameras have changed: the relay is told. With another address or other keys it is dialled anew. */
	changed(relay: RelayAddress): void {
		const isSame = relay.url === this.#relay.url && relay.keys.join() === this.#relay.keys.join();
		this.#relay = relay;
		for (const { session } of this.#legs) {
			if (isSame) session.republish();
			else session.hangUp("settings changed");
		}
	}

	/**
	 * Connects, and again whenever the connection ends, until the signal aborts. Resolves early when another process
	 * of this agent has taken over: to dial again would only push that one out.
	 */
	async run(signal: AbortSignal): Promise<void> {
		const backoff = new Backoff(Math.random, RETRY_MS);
		let lastWords = "";
		while (!signal.aborted) {
			const { url } = this.#relay;
			const { ended, readyTime } = await this.#lastEnding(
				this.#dial(signal, () => {
					if (lastWords !== "" || backoff.attempt === 0) log.info("publishing", { relay: url });
					lastWords = "";
				}),
			);
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

	#dial(signal: AbortSignal, onReady: () => void): Leg {
		const session = new UplinkSession(this.#relay, this.#instance, this.#cameras);
		const { promise: ready, resolve } = Promise.withResolvers<void>();
		const running = session.run(signal, {
			ready: () => {
				leg.readyTime = localNow();
				onReady();
				resolve();
			},
			moving: () => {
				if (this.#legs.length === 1) void this.#move(leg, signal);
			},
			demand: () => this.#demandChanged(),
		});
		const ended = running.finally(() => {
			this.#legs = this.#legs.filter((one) => one !== leg);
			this.#demandChanged();
		});
		const leg: Leg = { session, readyTime: null, ready, ended };
		this.#legs = [...this.#legs, leg];
		return leg;
	}

	/** How the last connection ended, over however many relays it went. */
	async #lastEnding(first: Leg): Promise<{ ended: Ended; readyTime: number | null }> {
		for (let leg = first; ; ) {
			const ended = await leg.ended;
			const next = this.#legs[0];
			if (!next) return { ended, readyTime: leg.readyTime };
			leg = next;
		}
	}

	/** Dials the next relay until it has the cameras or the present one has gone. */
	async #move(from: Leg, signal: AbortSignal): Promise<void> {
		while (this.#legs.includes(from) && !signal.aborted) {
			const to = this.#dial(signal, () =>
				log.info("publishing to the next relay", { relay: this.#relay.url }),
			);
			await Promise.race([to.ready, to.ended]);
			if (to.readyTime !== null) return from.session.tellMoved();
			await sleep(MOVE_MS, signal);
		}
	}

	/** What is watched at any relay is made. */
	#demandChanged(): void {
		for (const camera of this.#cameras())
			camera.demand([...new Set(this.#legs.flatMap(({ session }) => session.demanded(camera)))]);
	}
}
