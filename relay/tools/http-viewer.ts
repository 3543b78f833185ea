import { bodyPatienceMs } from "#shared/heartbeat.ts";
import type { Rendition } from "#shared/ladder.ts";
import type { Presence } from "../access/presence.ts";
import type { Camera, RelayedFrame } from "../camera.ts";
import { Subscriber } from "../delivery/subscriber.ts";
import { decideAnew, startTogether } from "../delivery/together.ts";
import type { Connection, Hub } from "../hub.ts";
import { HttpProblem } from "./query.ts";
import { enter, type Reader } from "./reader.ts";
import { renditionFor, type Wanted } from "./rendition-choice.ts";

const MAX_VIEWERS = 256; // of one relay: each holds at most one frame of 2 MB
const KNOWN_RATE = 1_000_000; // bytes per ms: no frame is too large for a first picture
const REPEAT_MS = 5_000; // proxies and browsers end a body that is silent for a minute
const STALL_MS = 10_000; // as long as a page may acknowledge nothing

/** What an HTTP viewer wants of its camera. */
export interface Watch extends Wanted {
	framesPerSecond: number | null;
}

/** Everybody who watches over plain HTTP. */
export class HttpViewers {
	readonly open = new Set<HttpViewer>();
	/** Ended because they took nothing for 10 s. */
	stalled = 0;
	readonly hub: Hub;
	readonly #presence: Presence;
	readonly #perCamera: number;

	/** `perCamera`: how many, of every kind, may watch one camera. */
	constructor(hub: Hub, { presence, perCamera }: { presence: Presence; perCamera: number }) {
		this.hub = hub;
		this.#presence = presence;
		this.#perCamera = perCamera;
	}

	/**
	 * A viewer of this camera, which `reader` may see, that counts as demand until it ends; throws HttpProblem when there
	 * are too many.
	 */
	watch(camera: Camera, watch: Watch, reader: Reader): HttpViewer {
		if (this.open.size >= MAX_VIEWERS)
			throw new HttpProblem(503, `${MAX_VIEWERS} HTTP viewers are connected, which is the most`, 10);
		if (camera.subscribers.size >= this.#perCamera)
			throw new HttpProblem(503, `camera "${camera.id}" has all the viewers it may have`, 10);
		const viewer = new HttpViewer(this, camera, watch);
		try {
			viewer.onLeft = enter(this.#presence, reader, { cameras: [camera.id], ending: viewer });
		} catch (problem) {
			viewer.end();
			throw problem;
		}
		return viewer;
	}
}

/**
 * One HTTP request that watches a camera: a subscriber whose one-slot box is emptied whenever the response can take
 * more. Its wish is a fixed rendition, because a plain body tells nothing of the link that a choice could go by.
 */
export class HttpViewer implements Connection {
	readonly camera: Camera;
	/** Called once when it ends, whoever ended it. */
	onLeft: () => void = () => {};
	/** Called once when it was ended by the relay: its client may still be taking the last picture, or nothing. */
	onEnded: () => void = () => {};
	readonly #viewers: HttpViewers;
	readonly #subscriber: Subscriber;
	readonly #watch: Watch;
	#renditions: readonly Rendition[] = [];
	#wake: (() => void) | null = null; // set while somebody waits for a frame
	#newest: RelayedFrame | null = null;
	#handedTime: number;
	#isEnded = false;

	constructor(viewers: HttpViewers, camera: Camera, watch: Watch) {
		const { hub } = viewers;
		const now = hub.clock();
		this.camera = camera;
		this.#viewers = viewers;
		this.#watch = watch;
		this.#handedTime = now;
		this.#subscriber = new Subscriber(camera, { rememberedRate: KNOWN_RATE, wake: () => this.#wake?.() });
		this.#ask(now);
		startTogether([this.#subscriber], now);
		viewers.open.add(this);
		hub.connected(this);
		hub.demandChanged(now);
	}

	/** The newest frame not seen yet, or the last one again after 5 s without; null once it has ended. One waiter at a time. */
	async next(): Promise<RelayedFrame | null> {
		while (!this.#isEnded) {
			const now = this.#viewers.hub.clock();
			const frame = this.#subscriber.waiting ?? (this.#isQuiet(now) ? this.#newest : null);
			const isPicture = frame?.header.codec === "jpeg"; // its wish is, but an agent may do as it likes
			this.#subscriber.settle(isPicture ? "sent" : "dropped", now);
			if (frame && !isPicture) continue;
			if (frame) {
				this.#newest = frame;
				this.#handedTime = now;
				return frame;
			}
			const { promise, resolve } = Promise.withResolvers<void>();
			this.#wake = resolve;
			await promise;
			this.#wake = null;
		}
		return null;
	}

	/** Whether a frame is here that `next` would not wait for. */
	get hasWaiting(): boolean {
		return this.#subscriber.waiting !== null;
	}

	/** False for a frame of another rendition that the camera kept for whoever joins. */
	isOwn(frame: RelayedFrame): boolean {
		return !this.#subscriber.isCached(frame) || frame.header.rendition === this.#subscriber.choice?.rendition;
	}

	/** Leaves the camera; whoever waits gets null. Idempotent. */
	end(): void {
		if (this.#isEnded) return;
		this.#isEnded = true;
		const { hub, open } = this.#viewers;
		const now = hub.clock();
		this.#subscriber.end(now);
		decideAnew([this.camera], now);
		open.delete(this);
		hub.disconnected(this);
		hub.demandChanged(now);
		this.onLeft();
		this.#wake?.();
	}

	tick(now: number): void {
		if (this.#viewers.hub.camera(this.camera.id) !== this.camera) return this.close();
		if (this.camera.renditions !== this.#renditions) {
			this.#ask(now);
			decideAnew([this.camera], now);
		}
		if (this.#wake) {
			if (this.#isQuiet(now)) this.#wake();
		} else if (now - this.#handedTime > STALL_MS + bodyPatienceMs(this.#newest?.body.length ?? 0)) {
			this.#viewers.stalled++;
			this.close();
		}
	}

	/** Ends it from this side. Idempotent. */
	close(): void {
		if (this.#isEnded) return;
		this.end();
		this.onEnded();
	}

	/** Whether the last picture is due again. */
	#isQuiet(now: number): boolean {
		return this.#newest !== null && now - this.#handedTime > REPEAT_MS;
	}

	/** Its wish, anew for what the camera offers now. */
	#ask(now: number): void {
		this.#renditions = this.camera.renditions;
		const rendition = renditionFor(this.#renditions, this.#watch)?.id ?? null;
		const { framesPerSecond: maxFramesPerSecond } = this.#watch;
		this.#subscriber.ask(
			{ rendition, maxLines: null, maxFramesPerSecond, isFocused: false, codec: "jpeg" },
			now,
		);
	}
}
