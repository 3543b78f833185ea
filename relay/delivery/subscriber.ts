import type { Rendition } from "#shared/ladder.ts";
import type { Change, Choice, Mode } from "#shared/protocol.ts";
import type { Camera, RelayedFrame } from "../camera.ts";
import { Backlog } from "./backlog.ts";
import type { Link } from "./evidence.ts";
import { Pace } from "./pace.ts";
import { type Settings, Wish } from "./wish.ts";

const SHARED_KEY_MS = 2_000; // between two keys one of several viewers asks for: its bad link must not cost the others their bits

interface SubscriberOptions {
	rememberedRate: number | null;
	wake: (now: number) => void;
	keyTimes?: WeakMap<Camera, number>;
}

/**
 * One viewer's interest in one camera: the rung its own link and window would take (the wish), the rendition it is
 * served, and the frames that wait to be sent. Counts every frame it took exactly once: sent, replaced, dropped, or
 * still waiting. Where frames build on each other it is sent all of them from a key on, or none.
 */
export class Subscriber {
	readonly camera: Camera;
	/** `notDue`: left out because the browser takes fewer frames than the camera makes. */
	readonly counters = { offered: 0, sent: 0, dropped: 0, notDue: 0 };
	/** Bytes sent so far over its weight: whose turn it is among those who share a connection. */
	turn = 0;
	/** Delivery number of the last key it was sent; null before the first. */
	keyDelivery: number | null = null;
	readonly #wish: Wish;
	readonly #backlog: Backlog;
	readonly #pace = new Pace(); // of the browser, where frames may be left out
	readonly #wake: (now: number) => void;
	#served: Rendition | null = null;
	#current: number | null = null;
	#next: number | null = null; // demanded, its first key not here yet
	#change: Change = "joined";
	#cachedFrame: RelayedFrame | null = null;
	readonly #keyTimes: WeakMap<Camera, number>;

	/**
	 * `rememberedRate`: bytes per ms its network carried before, null if unknown. `wake` is called whenever a frame waits.
	 * `keyTimes`: when its connection last asked for a key of each camera, kept by those that come and go.
	 */
	constructor(camera: Camera, { rememberedRate, wake, keyTimes = new WeakMap() }: SubscriberOptions) {
		this.camera = camera;
		this.#wish = new Wish(camera, rememberedRate);
		this.#backlog = new Backlog((frames) => {
			camera.traffic.replaced += frames;
		});
		this.#wake = wake;
		this.#keyTimes = keyTimes;
	}

	/** Joins the camera; false the second time. The caller decides anew, then lets it begin. */
	join(now: number): boolean {
		if (this.camera.subscribers.has(this)) return false;
		this.camera.subscribers.add(this);
		this.ladderChanged(now);
		return true;
	}

	/** Offers the camera's newest frame at once, unless its own will be there sooner. Once, after it has joined. */
	begin(now: number): void {
		const cached = this.camera.cached(this.#current ?? -1);
		if (cached && (!this.camera.isLive || this.#wish.mayBeginWith(cached.body.length))) {
			this.#cachedFrame = cached;
			this.#put(cached, now);
		}
		this.askKey(now);
	}

	/** Leaves; idempotent. The caller decides anew. */
	end(now: number): void {
		if (!this.camera.subscribers.delete(this)) return;
		for (const rendition of [this.#current, this.#next])
			if (rendition !== null) this.camera.demand.remove(rendition, now);
		this.#current = null;
		this.#next = null;
		this.#backlog.forget();
	}

	/**
	 * Takes what the page says from now on; false when the camera has no such rendition and the old pin stays. The caller
	 * decides anew.
	 */
	ask(settings: Settings, now: number): boolean {
		return this.#wish.ask(settings, now);
	}

	/** The camera's renditions may be others now. */
	ladderChanged(now: number): void {
		this.#wish.ladderChanged(now);
	}

	/** What it would take by itself; null while the camera has told no renditions. */
	get wish(): Rendition | null {
		return this.#wish.rendition;
	}

	/** Looks again which rung its link carries; `link` without the camera's own interval. True: the caller decides anew. */
	choose(now: number, link: Link, mode: Mode): boolean {
		const before = this.wish;
		this.#wish.choose(now, link, { mode });
		return this.wish !== before;
	}

	/** Gives up what waits and goes on with a key, of a lower rendition if the link says so. The caller decides anew. */
	lose(now: number, link: Link, mode: Mode): void {
		this.#cut(now);
		this.#wish.choose(now, link, { mode, isLost: true });
	}

	/** The viewer can go on with a key alone, also of the same rendition. A key that waits already is one. */
	restart(now: number): void {
		if (!this.#backlog.head?.header.isKey) this.#cut(now);
		this.askKey(now);
	}

	/**
	 * The camera's decision: what it gets of what is made. The old one goes on until the new one's first key is here, if
	 * it goes on at all.
	 */
	serve(rendition: Rendition | null, now: number): void {
		if (rendition === null) return;
		if (rendition.id !== this.#served?.id) {
			if (this.#served) this.#change = rendition === this.wish ? this.#wish.cause : this.camera.shortage;
			this.#wish.cause = "uplink"; // until the wish itself changes, others' wishes and the uplink are the cause
		}
		this.#served = rendition;
		const wanted = rendition.id;
		if (wanted === (this.#next ?? this.#current)) return;
		const { demand } = this.camera;
		if (wanted !== this.#current) demand.add(wanted);
		if (this.#next !== null) demand.remove(this.#next, now);
		this.#next = null;
		if (wanted === this.#current) return;
		this.#next = wanted;
		if (!this.#isFollowing) this.#move(now);
		this.camera.agent?.tellSoon();
		if (this.#next !== null) this.askKey(now);
	}

	/** Asks for the key it can go on with, if it waits for one; at most once in 2 s where others watch the same. */
	askKey(now: number): void {
		const waitsFor = this.#next ?? (this.#isFollowing ? null : this.#current);
		if (waitsFor === null) return;
		const isShared = this.camera.demand.countOf(waitsFor) > 1;
		const keyTime = this.#keyTimes.get(this.camera) ?? Number.NEGATIVE_INFINITY;
		if (isShared && now - keyTime < SHARED_KEY_MS) return;
		if (this.camera.askKey(waitsFor)) this.#keyTimes.set(this.camera, now);
	}

	/** Whether it is sent nothing before the next key. */
	get isWaitingForKey(): boolean {
		return this.#current !== null && !this.#isFollowing;
	}

	/** What the page is told; null while nothing is served. */
	get choice(): Choice | null {
		if (!this.#served) return null;
		const limit = this.#served.id === this.wish?.id ? this.#wish.limit : this.camera.shortage;
		return { id: this.camera.id, rendition: this.#served.id, limit, change: this.#change };
	}

	/** Share of a connection: the camera looked at counts four times. */
	get weight(): number {
		return this.#wish.settings.isFocused ? 4 : 1;
	}

	/** The shortest time between two of its frames, ms. */
	get intervalMs(): number {
		const { maxFramesPerSecond } = this.#wish.settings;
		const mayLeaveOut = maxFramesPerSecond !== null && this.#served?.codec === "jpeg";
		return Math.max(this.camera.intervalMs, mayLeaveOut ? 1000 / maxFramesPerSecond : 0);
	}

	/** Takes a frame of a rendition it watches; a key replaces what waits. */
	offer(frame: RelayedFrame, now: number): void {
		const { rendition, isKey, codec } = frame.header;
		if (rendition === this.#next && isKey) this.#move(now);
		if (rendition !== this.#current) return;
		const { maxFramesPerSecond } = this.#wish.settings;
		if (codec !== "jpeg" || this.#pace.takes(now, maxFramesPerSecond)) return this.#put(frame, now);
		this.counters.notDue++;
		this.camera.traffic.notDue++;
	}

	get waitingCount(): number {
		return this.#backlog.length;
	}

	/** The next frame to be sent. */
	get waiting(): RelayedFrame | null {
		return this.#backlog.head;
	}

	/** How long frames have waited that newer ones build on, ms. */
	waitedMs(now: number): number {
		return this.#backlog.ageMs(now);
	}

	get replaced(): number {
		return this.#backlog.replaced;
	}

	/** Whether this frame came from the cache when joining. */
	isCached(frame: RelayedFrame): boolean {
		return frame === this.#cachedFrame;
	}

	/** Takes the next frame out and counts what became of it. */
	settle(fate: "sent" | "dropped", now: number): void {
		const frame = this.#backlog.head;
		if (!frame) return;
		this.counters[fate]++;
		const { traffic } = this.camera;
		if (fate === "dropped") {
			traffic.dropped++;
			this.#backlog.lose();
			return;
		}
		traffic.noteSent(frame.body.length, this.isCached(frame) ? null : now - frame.header.captureTime);
		this.#backlog.shift();
	}

	/** Whether the viewer has, or is to be sent, everything of its rendition since a key. */
	get #isFollowing(): boolean {
		return this.#current !== null && this.#backlog.following === this.#current;
	}

	/** What is next is what it gets from now on. */
	#move(now: number): void {
		if (this.#next === null) return;
		if (this.#current !== null) this.camera.demand.remove(this.#current, now);
		this.#current = this.#next;
		this.#next = null;
	}

	/** Gives up what waits; where another rendition is next, the old one is over. */
	#cut(now: number): void {
		this.#backlog.cut();
		this.#move(now);
	}

	#put(frame: RelayedFrame, now: number): void {
		if (this.#backlog.offer(frame)) this.counters.offered++;
		else this.camera.traffic.awaitingKey++;
		this.#wake(now); // to be sent, or to ask for a key
	}
}
