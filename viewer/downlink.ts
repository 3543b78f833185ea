import { Backoff } from "#shared/backoff.ts";
import { localNow } from "#shared/clock.ts";
import { RETRY_LATER_MS, retryAfter } from "#shared/close.ts";
import type { CameraStatus, Watch } from "#shared/protocol.ts";
import { sleep } from "#shared/sleep.ts";
import { Connection, type Ending, type Frame } from "./connection.ts";

const PROVEN_MS = 5_000; // a connection that lasted this long was good: its loss is answered at once

/**
 * Where the connection to the relay stands. `since`: when it came, or when there stopped to be one; our clock.
 * `attempt` counts the dials since then, the present one included.
 */
export type Link =
	| { is: "connecting"; since: number; attempt: number }
	| { is: "live"; since: number }
	| { is: "waiting"; since: number; attempt: number; until: number; ending: Ending }
	| { is: "closed"; since: number; ending: Ending };

export interface DownlinkEvents {
	link(link: Link): void;
	cameras(cameras: CameraStatus[]): void;
	frame(frame: Frame): void;
}

/** The page's way to the relay: one connection at a time, dialed again until it must not be. */
export class Downlink {
	readonly #events: DownlinkEvents;
	#connection: Connection | null = null;
	#isLive = false;
	#watch: Watch[] | null = null; // nothing was said yet
	#wake: (() => void) | null = null;

	constructor(events: DownlinkEvents) {
		this.#events = events;
	}

	/** The relay's clock as the present connection knows it. */
	get clock() {
		return this.#connection?.clock ?? null;
	}

	/** Keeps a connection until the signal aborts or the relay forbids to dial again. */
	async run(url: string, signal: AbortSignal): Promise<void> {
		const backoff = new Backoff();
		let lostTime = localNow();
		let attempt = 0;
		while (!signal.aborted) {
			attempt++;
			this.#events.link({ is: "connecting", since: lostTime, attempt });
			let liveTime: number | null = null;
			const ending = await this.#connect(url, signal, () => {
				liveTime = localNow();
			});
			this.#isLive = false;
			if (signal.aborted) return;
			const now = localNow();
			if (liveTime !== null) {
				if (now - liveTime > PROVEN_MS) backoff.reset();
				lostTime = now;
				attempt = 0;
			}
			const retry = retryAfter(ending.code);
			if (retry === "never") return this.#events.link({ is: "closed", since: lostTime, ending });
			const waitMs = retry === "later" ? RETRY_LATER_MS : backoff.next();
			this.#events.link({ is: "waiting", since: lostTime, attempt, until: now + waitMs, ending });
			await this.#pause(waitMs, signal);
		}
	}

	/** The full set of what is shown from now on; said again on every new connection. */
	watch(cameras: Watch[]): void {
		this.#watch = cameras;
		if (this.#isLive) this.#connection?.watch(cameras);
	}

	/** The page came back from sleep, or its network did: do not wait any longer. */
	wake(): void {
		this.#wake?.();
		this.#connection?.probe();
	}

	#connect(url: string, signal: AbortSignal, onLive: () => void): Promise<Ending> {
		const connection = new Connection({
			welcome: () => {
				this.#isLive = true;
				onLive();
				if (this.#watch) connection.watch(this.#watch);
				this.#events.link({ is: "live", since: localNow() });
			},
			cameras: this.#events.cameras,
			frame: this.#events.frame,
		});
		this.#connection = connection;
		return connection.run(url, signal);
	}

	async #pause(waitMs: number, signal: AbortSignal): Promise<void> {
		const pause = new AbortController();
		const end = () => pause.abort();
		this.#wake = end;
		signal.addEventListener("abort", end);
		await sleep(waitMs, pause.signal);
		signal.removeEventListener("abort", end);
		this.#wake = null;
	}
}
