import type { Codec } from "#shared/frame.ts";
import type { Rendition } from "#shared/ladder.ts";
import type { Change, Limit, Mode, WatchedCamera } from "#shared/protocol.ts";
import type { Camera } from "../camera.ts";
import { RungChooser } from "./allocation.ts";
import type { Link } from "./evidence.ts";
import type { ViewerLadder } from "./viewer-ladder.ts";

const FIRST_BYTES = 12_000; // of a first picture on a network nothing is known of: 2 s at 48 kbit/s
const FIRST_MS = 250; // that a first picture may take on a network that is known

/** What a page says of a camera it watches, and what it decodes besides JPEG. */
export type Settings = Omit<WatchedCamera, "id" | "codecs"> & { codec: Codec };

/** Which rendition of a camera one viewer would take by itself: what it pins, or what its link carries and its window shows. */
export class Wish {
	/** null while the camera has told no renditions. */
	rendition: Rendition | null = null;
	/** Why it is another than before. */
	cause: Change = "joined";
	settings: Readonly<Settings> = {
		rendition: null,
		maxLines: null,
		maxFramesPerSecond: null,
		isFocused: false,
		codec: "jpeg",
	};
	readonly #camera: Camera;
	readonly #rememberedRate: number | null;
	#isTrying: boolean; // nothing is known of the network yet: the smallest rung asks it
	#ladder: ViewerLadder;
	#chooser: RungChooser | null = null;

	/** `rememberedRate`: bytes per ms its network carried before, null if unknown. */
	constructor(camera: Camera, rememberedRate: number | null) {
		this.#camera = camera;
		this.#rememberedRate = rememberedRate;
		this.#isTrying = rememberedRate === null;
		this.#ladder = camera.ladderFor("jpeg");
	}

	/** Takes what the page says; false when the camera has no such rendition and the old pin stays. */
	ask(settings: Settings, now: number): boolean {
		const { rendition } = settings;
		const { renditions } = this.#camera;
		const isKnown =
			rendition === null || renditions.length === 0 || renditions.some(({ id }) => id === rendition);
		const pin = isKnown ? rendition : this.settings.rendition;
		const cause = pin === this.settings.rendition ? "window" : "choice";
		this.settings = { ...settings, rendition: pin };
		this.#climb(now);
		this.#settle(cause);
		return isKnown;
	}

	/** The camera's renditions may be others now. */
	ladderChanged(now: number): void {
		this.#climb(now);
		if (this.#ladder.renditions.length > 0) this.#settle("source");
	}

	/**
	 * Looks again which rung the link carries; `link` without the camera's own interval. `isLost`: the viewer lost what
	 * it was given and begins anew with a key, so another rung costs no more than this one.
	 */
	choose(now: number, link: Link, { mode, isLost = false }: { mode: Mode; isLost?: boolean }): void {
		if (!this.#chooser || this.settings.rendition !== null || this.#ladder.renditions.length === 0) return;
		if (this.#isTrying && link.history.length > 0) this.#begin(now, link);
		const choice = { rungs: this.#ladder.rungs(now), cap: this.#cap, mode };
		if (isLost) this.#chooser.descend(now, link, choice);
		else this.#chooser.decide(now, link, choice);
		this.#settle("network");
	}

	/** Whether a picture of `bytes` would be there soon; on a network nothing is known of only a small one surely is. */
	mayBeginWith(bytes: number): boolean {
		return bytes <= (this.#rememberedRate === null ? FIRST_BYTES : FIRST_MS * this.#rememberedRate);
	}

	/** What keeps it from a higher rung. */
	get limit(): Limit {
		if (this.settings.rendition !== null) return "choice";
		const cap = this.#cap;
		if ((this.#chooser?.rung ?? 0) < cap) return "network";
		if (cap < this.#ladder.renditions.length - 1) return "window";
		return this.settings.maxFramesPerSecond === null ? "none" : "browser";
	}

	/** Steps onto the ladder there is for it now: where it stood, if it is the same with other rungs. */
	#climb(now: number): void {
		const before = this.#ladder;
		this.#ladder = this.#camera.ladderFor(this.settings.codec);
		if (this.#ladder === before && this.#chooser) return;
		if (this.#ladder.renditions.length === 0) return;
		const rung = this.#chooser && before.renditions[this.#chooser.rung];
		if (rung && before.codec === this.#ladder.codec) this.#chooser!.rung = this.#ladder.indexOf(rung.id);
		else this.#chooser = new RungChooser(this.#startRung(now), now);
	}

	#settle(cause: Change): void {
		const { rendition } = this.settings;
		const rung = this.#ladder.renditions[Math.min(this.#chooser?.rung ?? 0, this.#cap)] ?? null;
		const wish = rendition === null ? rung : this.#camera.nearest(rendition);
		if (wish?.id !== this.rendition?.id) this.cause = cause;
		this.rendition = wish;
	}

	get #cap(): number {
		return this.#ladder.capFor(this.settings.maxLines);
	}

	#startRung(now: number): number {
		if (this.#rememberedRate === null) return 0;
		const carriedBytes = this.#rememberedRate * this.#camera.intervalMs;
		return this.#ladder.startRung(now, { carriedBytes, isRemembered: true });
	}

	/** The first frames have told something of the network: goes to where a memory of it would have begun. */
	#begin(now: number, { history, intervalMs }: Link): void {
		this.#isTrying = false;
		const bytes = history.reduce((sum, bucket) => sum + bucket.bytes, 0);
		const busyMs = history.reduce((sum, bucket) => sum + bucket.busyMs, 0);
		const carriedBytes = (bytes / busyMs) * intervalMs;
		this.#chooser = new RungChooser(this.#ladder.startRung(now, { carriedBytes, isRemembered: false }), now);
		this.#settle("joined");
	}
}
