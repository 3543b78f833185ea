import type { Rendition } from "#shared/ladder.ts";
import { Latest } from "#shared/latest.ts";
import type { Change, Choice, Limit, Mode, WatchedCamera } from "#shared/protocol.ts";
import { type Link, RungChooser } from "./allocation.ts";
import type { Camera, RelayedFrame } from "./camera.ts";

const START_BYTES = 20_000; // on a network just met, the rung after the first frame is at best this: 360p q60
const START_SHARE = 0.6; // of a remembered or barely measured rate that a rung may take: networks change
const FIRST_BYTES = 12_000; // of a first picture on a network nothing is known of: 2 s at 48 kbit/s
const FIRST_MS = 250; // that a first picture may take on a network that is known

/** What a page says of a camera it watches. */
export type Settings = Omit<WatchedCamera, "id">;

/**
 * One viewer's interest in one camera: the rung its own link and window would take (the wish), the rendition it is
 * served, and the one frame that waits to be sent. Counts every frame it was offered exactly once: sent, replaced,
 * dropped, or still waiting.
 */
export class Subscriber {
	readonly camera: Camera;
	/** `notDue`: left out because the browser takes fewer frames than the camera makes. */
	readonly counters = { offered: 0, sent: 0, dropped: 0, notDue: 0 };
	/** Bytes sent so far over its weight: whose turn it is among those who share a connection. */
	turn = 0;
	/** What it would take by itself; null while the camera has told no renditions. */
	wish: Rendition | null = null;
	readonly #waiting = new Latest<RelayedFrame>();
	readonly #wake: (now: number) => void;
	#settings: Settings = { rendition: null, maxLines: null, maxFramesPerSecond: null, isFocused: false };
	#chooser: RungChooser | null = null;
	readonly #rememberedRate: number | null;
	#isTrying: boolean; // nothing is known of the network yet: the smallest rung asks it
	#served: Rendition | null = null;
	#current: number | null = null;
	#next: number | null = null; // demanded, its first frame not here yet
	#change: Change = "joined";
	#cause: Change = "joined";
	#cachedFrame: RelayedFrame | null = null;
	#dueTime = Number.NEGATIVE_INFINITY; // when the browser can take the next frame

	/** `rememberedRate`: bytes per ms its network carried before, null if unknown. `wake` is called whenever a frame waits. */
	constructor(
		camera: Camera,
		{ rememberedRate, wake }: { rememberedRate: number | null; wake: (now: number) => void },
	) {
		this.camera = camera;
		this.#rememberedRate = rememberedRate;
		this.#isTrying = rememberedRate === null;
		this.#wake = wake;
	}

	/** Joins the camera and offers its newest frame at once, if the network may take it; does nothing the second time. */
	start(now: number): void {
		if (this.camera.subscribers.has(this)) return;
		this.camera.subscribers.add(this);
		this.ladderChanged(now);
		this.camera.wishesChanged(now);
		const cached = this.camera.cached(this.#current ?? -1);
		if (!cached || (this.camera.isLive && cached.body.length > this.#firstBytes)) return; // its own rung comes soon
		this.#cachedFrame = cached;
		this.#put(cached, now);
	}

	/** Leaves; idempotent. */
	end(now: number): void {
		if (!this.camera.subscribers.delete(this)) return;
		for (const rendition of [this.#current, this.#next])
			if (rendition !== null) this.camera.demand.remove(rendition, now);
		this.#current = null;
		this.#next = null;
		this.#waiting.clear();
		this.camera.wishesChanged(now);
	}

	/** Takes what the page says from now on; false when the camera has no such rendition and the old pin stays. */
	ask(settings: Settings, now: number): boolean {
		const { rendition } = settings;
		const { renditions } = this.camera;
		const isKnown =
			rendition === null || renditions.length === 0 || renditions.some(({ id }) => id === rendition);
		const pin = isKnown ? rendition : this.#settings.rendition;
		const cause = pin === this.#settings.rendition ? "window" : "choice";
		this.#settings = { ...settings, rendition: pin };
		if (!this.camera.subscribers.has(this)) return isKnown;
		this.#wish(cause);
		this.camera.wishesChanged(now);
		return isKnown;
	}

	/** The camera's renditions may be others now. */
	ladderChanged(now: number): void {
		if (this.camera.ladder.length === 0) return;
		this.#chooser ??= new RungChooser(this.#startRung(now, this.#startBytes), now);
		this.#wish("source");
	}

	/** Looks again which rung its link carries; `link` without the camera's own interval. */
	choose(now: number, link: Link, mode: Mode): void {
		if (!this.#chooser || this.#settings.rendition !== null || this.camera.ladder.length === 0) return;
		const before = this.wish;
		if (this.#isTrying && link.history.length > 0) this.#begin(now, link);
		this.#chooser.decide(now, link, { rungs: this.camera.rungs(now), cap: this.#cap, mode });
		this.#wish("network");
		if (this.wish !== before) this.camera.wishesChanged(now);
	}

	/** The camera's decision: what it gets of what is made. The old one goes on until the new one's first frame is here. */
	serve(rendition: Rendition | null, now: number): void {
		if (rendition === null) return;
		if (rendition.id !== this.#served?.id) {
			if (this.#served) this.#change = rendition === this.wish ? this.#cause : this.camera.shortage;
			this.#cause = "uplink"; // until the wish itself changes, others' wishes and the uplink are the cause
		}
		this.#served = rendition;
		const wanted = rendition.id;
		if (wanted === (this.#next ?? this.#current)) return;
		const { demand } = this.camera;
		if (this.#next !== null) demand.remove(this.#next, now);
		this.#next = null;
		if (wanted === this.#current) return;
		demand.add(wanted);
		if (this.#current === null) this.#current = wanted;
		else this.#next = wanted;
	}

	/** What the page is told; null while nothing is served. */
	get choice(): Choice | null {
		if (!this.#served) return null;
		return { id: this.camera.id, rendition: this.#served.id, limit: this.#limit, change: this.#change };
	}

	/** Share of a connection: the camera looked at counts four times. */
	get weight(): number {
		return this.#settings.isFocused ? 4 : 1;
	}

	/** The shortest time between two of its frames, ms. */
	get intervalMs(): number {
		const { maxFramesPerSecond } = this.#settings;
		return Math.max(this.camera.intervalMs, maxFramesPerSecond ? 1000 / maxFramesPerSecond : 0);
	}

	/** Takes a frame of a rendition it watches; the newest replaces the waiting one. */
	offer(frame: RelayedFrame, now: number): void {
		const { rendition } = frame.header;
		if (rendition === this.#next) {
			if (this.#current !== null) this.camera.demand.remove(this.#current, now);
			this.#current = rendition;
			this.#next = null;
		}
		if (rendition !== this.#current) return;
		if (this.#isDue(now)) this.#put(frame, now);
		else {
			this.counters.notDue++;
			this.camera.traffic.notDue++;
		}
	}

	get hasWaiting(): boolean {
		return !this.#waiting.isEmpty;
	}

	get waiting(): RelayedFrame | null {
		return this.#waiting.peek();
	}

	get replaced(): number {
		return this.#waiting.replaced;
	}

	/** Whether this frame came from the cache when joining. */
	isCached(frame: RelayedFrame): boolean {
		return frame === this.#cachedFrame;
	}

	/** Takes the waiting frame out and counts what became of it. */
	settle(fate: "sent" | "dropped", now: number): void {
		const frame = this.#waiting.take();
		if (!frame) return;
		this.counters[fate]++;
		const { traffic } = this.camera;
		if (fate === "dropped") traffic.dropped++;
		else traffic.noteSent(frame.body.length, this.isCached(frame) ? null : now - frame.header.captureTime);
	}

	#put(frame: RelayedFrame, now: number): void {
		this.counters.offered++;
		if (this.#waiting.offer(frame)) this.camera.traffic.replaced++;
		this.#wake(now);
	}

	/** Keeps to the browser's rate on average: the next frame is due an interval after the last one was, not came. */
	#isDue(now: number): boolean {
		const { maxFramesPerSecond } = this.#settings;
		if (maxFramesPerSecond === null) return true;
		if (now < this.#dueTime) return false;
		this.#dueTime = Math.max(this.#dueTime + 1000 / maxFramesPerSecond, now);
		return true;
	}

	#wish(cause: Change): void {
		const { rendition } = this.#settings;
		const rung = this.camera.ladder[Math.min(this.#chooser?.rung ?? 0, this.#cap)] ?? null;
		const wish = rendition === null ? rung : this.camera.nearest(rendition);
		if (wish?.id !== this.wish?.id) this.#cause = cause;
		this.wish = wish;
	}

	/** The highest rung worth sending: the best one of the least size that fills the screen. */
	get #cap(): number {
		const { ladder } = this.camera;
		const { maxLines } = this.#settings;
		const lines = ({ width, height }: Rendition) => Math.min(width, height);
		const filling = maxLines === null ? undefined : ladder.find((rung) => lines(rung) >= maxLines);
		if (!filling) return ladder.length - 1;
		return ladder.findLastIndex((rung) => lines(rung) <= lines(filling));
	}

	get #limit(): Limit {
		if (this.#served?.id !== this.wish?.id) return this.camera.shortage;
		if (this.#settings.rendition !== null) return "choice";
		const cap = this.#cap;
		if ((this.#chooser?.rung ?? 0) < cap) return "network";
		if (cap < this.camera.ladder.length - 1) return "window";
		return this.#settings.maxFramesPerSecond === null ? "none" : "browser";
	}

	/** The first frames have told something of the network: goes to where a memory of it would have begun. */
	#begin(now: number, { history, intervalMs }: Link): void {
		this.#isTrying = false;
		const bytes = history.reduce((sum, bucket) => sum + bucket.bytes, 0);
		const busyMs = history.reduce((sum, bucket) => sum + bucket.busyMs, 0);
		const most = Math.min(START_BYTES, (START_SHARE * bytes * intervalMs) / busyMs);
		this.#chooser = new RungChooser(this.#startRung(now, most), now);
		this.#wish("joined");
	}

	get #startBytes(): number {
		return this.#rememberedRate === null ? 0 : START_SHARE * this.#rememberedRate * this.camera.intervalMs;
	}

	get #firstBytes(): number {
		return this.#rememberedRate === null ? FIRST_BYTES : FIRST_MS * this.#rememberedRate;
	}

	/** The best rung whose frames are not above `mostBytes`, else the lowest. */
	#startRung(now: number, mostBytes: number): number {
		return Math.max(
			0,
			this.camera.rungs(now).findLastIndex(({ bytes }) => bytes <= mostBytes),
		);
	}
}
