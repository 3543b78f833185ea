import { Backoff } from "#shared/backoff.ts";
import { localNow } from "#shared/clock.ts";
import { RETRY_LATER_MS, retryAfter } from "#shared/close.ts";
import type { CameraStatus, Watch } from "#shared/protocol.ts";
import { sleep } from "#shared/sleep.ts";
import { type Choices, Connection, type Ending, type Frame } from "./connection.ts";

const PROVEN_MS = 5_000; // a connection that lasted this long was good: its loss is answered at once
const SUSPECT_MS = 2_000; // the relay answers a ping every second: this much silence is a bad sign
const ANSWER_MS = 1_000; // a way that lives answers a ping sooner
const FIRST_FRAME_MS = 1_500; // a camera that stands still must not keep two connections open

/**
 * Where the connection to the relay stands. `since`: when it came, or when there stopped to be one; our clock.
 * `attempt` counts the dials since then, the present one included.
 */
export type Link =
	| { is: "connecting"; since: number; attempt: number }
	| { is: "live"; since: number }
	| { is: "waiting"; since: number; attempt: number; until: number; ending: Ending }
	| { is: "closed"; since: number; ending: Ending };

/** What is shown; what its network carried before is the downlink's to add. */
export type Wish = Omit<Watch, "rememberedBps">;

export interface DownlinkEvents {
	/** Said again with every connection that takes over. */
	link(link: Link): void;
	cameras(cameras: CameraStatus[]): void;
	choice(choice: Choices): void;
	frame(frame: Frame): void;
}

/** A connection and what became of it. */
interface Session {
	connection: Connection;
	liveTime: number | null;
	choice: Choices | null;
	ended: Promise<Ending>;
	close(): void;
}

/**
 * The page's way to the relay: one connection, dialed again until it must not be. When the network changes, the next
 * one is dialed while the last still serves; whichever works stays, alone.
 */
export class Downlink {
	readonly #events: DownlinkEvents;
	#dial: (() => Session) | null = null;
	#serving: Session | null = null;
	#next: Session | null = null;
	#wish: Wish | null = null; // nothing was said yet
	#rememberedBps: number | null = null;
	#endPause: (() => void) | null = null;

	constructor(events: DownlinkEvents) {
		this.#events = events;
	}

	/** The relay's clock as the present connection knows it. */
	get clock() {
		return this.#serving?.connection.clock ?? null;
	}

	/** Keeps a connection until the signal aborts or the relay forbids to dial again. */
	async run(url: string, signal: AbortSignal): Promise<void> {
		const backoff = new Backoff();
		let lostTime = localNow();
		let attempt = 0;
		this.#dial = () => this.#open(url, signal);
		while (!signal.aborted) {
			attempt++;
			this.#events.link({ is: "connecting", since: lostTime, attempt });
			this.#serving = this.#dial();
			const { ending, liveTime } = await this.#lastEnding();
			this.#serving = null;
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
	watch(wish: Wish): void {
		this.#wish = wish;
		for (const session of [this.#serving, this.#next]) if (session?.liveTime != null) this.#say(session);
	}

	/** Lets a camera go on at a key. */
	askKey(camera: string): void {
		this.#serving?.connection.askKey(camera);
	}

	/** What the present network carried before, bits per second: said with the next list. */
	remember(rateBps: number | null): void {
		this.#rememberedBps = rateBps;
	}

	/** The network is another one: dials anew, whatever is thought of the present connection. */
	roam(): void {
		this.#endPause?.();
		if (!this.#serving || this.#next || !this.#dial) return;
		const next = this.#dial();
		this.#next = next;
		void next.ended.then(() => {
			if (this.#next === next) this.#next = null; // it failed: the old one goes on
		});
	}

	/** This machine may have slept or changed its network: roams unless the present connection proves that it lives. */
	wake(): void {
		this.#endPause?.();
		const serving = this.#serving;
		if (serving?.liveTime == null) return; // a dial is under way as it is
		const askTime = localNow();
		if (askTime - serving.connection.heardTime > SUSPECT_MS) return this.roam();
		serving.connection.probe();
		setTimeout(() => {
			if (this.#serving === serving && serving.connection.heardTime <= askTime) this.roam();
		}, ANSWER_MS);
	}

	#open(url: string, signal: AbortSignal): Session {
		const over = new AbortController();
		const close = () => over.abort();
		signal.addEventListener("abort", close, { signal: over.signal });
		const connection = new Connection({
			welcome: () => this.#welcome(session),
			cameras: this.#events.cameras,
			choice: (choice) => this.#choice(session, choice),
			moving: () => session === this.#serving && this.roam(),
			frame: (frame) => {
				if (session === this.#next) this.#takeOver(session);
				this.#events.frame(frame);
			},
		});
		const ended = connection.run(url, over.signal);
		void ended.then(close);
		const session: Session = { connection, liveTime: null, choice: null, ended, close };
		return session;
	}

	/** How the last connection ended, whatever came and went meanwhile. */
	async #lastEnding(): Promise<{ ending: Ending; liveTime: number | null }> {
		for (;;) {
			const session = this.#serving!;
			const ending = await session.ended;
			if (session !== this.#serving) continue;
			if (!this.#next) return { ending, liveTime: session.liveTime };
			this.#takeOver(this.#next); // not ready yet, but all there is
		}
	}

	#welcome(session: Session): void {
		session.liveTime = localNow();
		this.#say(session);
		if (session === this.#serving) return this.#events.link({ is: "live", since: session.liveTime });
		if (!this.#wish?.cameras.length) return this.#takeOver(session);
		setTimeout(() => session === this.#next && this.#takeOver(session), FIRST_FRAME_MS);
	}

	#takeOver(session: Session): void {
		this.#serving?.close();
		this.#serving = session;
		this.#next = null;
		const now = localNow();
		if (session.liveTime === null) this.#events.link({ is: "connecting", since: now, attempt: 1 });
		else this.#events.link({ is: "live", since: session.liveTime });
		if (session.choice) this.#events.choice(session.choice);
	}

	#choice(session: Session, choice: Choices): void {
		session.choice = choice;
		if (session === this.#serving) this.#events.choice(choice);
	}

	#say({ connection }: Session): void {
		if (this.#wish) connection.watch({ ...this.#wish, rememberedBps: this.#rememberedBps });
	}

	async #pause(waitMs: number, signal: AbortSignal): Promise<void> {
		const pause = new AbortController();
		const end = () => pause.abort();
		this.#endPause = end;
		signal.addEventListener("abort", end);
		await sleep(waitMs, pause.signal);
		signal.removeEventListener("abort", end);
		this.#endPause = null;
	}
}
