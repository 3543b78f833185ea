/** How pictures reach a viewer. `ours` is the product; the rest is what others do, on the same frames. */
export const POLICIES = {
	ours: "the relay and the viewer of this repository, with JPEG alone",
	"ours-h264": "the same where the viewer decodes H.264",
	rero: "ReRo-CCTV's rule, repaired: quality by frames per second, a new connection each step, endless queues",
	buffered: "720p q50, a frame is dropped while the server's socket holds bytes",
	"buffered-ladder": "the same with a ladder: a rung down at 20 % drops in 2 s, up after 5 s without",
	three: "three frames in flight, a rung down below 80 % of the source's rate, up above 97 %",
} as const;
export type Policy = keyof typeof POLICIES;
export type Own = "ours" | "ours-h264";
export type Rival = Exclude<Policy, Own>;

export function isOwn(policy: Policy): policy is Own {
	return policy === "ours" || policy === "ours-h264";
}

export const START_RUNG = 3; // of the rivals that have a ladder
export const FIXED_RUNG = 6; // of the one that has none: 720p q50
export const REPLY_MS = 2_000; // browsers drop a connection whose closing handshake takes longer

/** Rates over a sliding window; events are instants in ms. */
class Window {
	#times: number[] = [];

	add(now: number): void {
		this.#times.push(now);
	}

	/** Events of the last `windowMs`; forgets those before the last 5 s. */
	count(now: number, windowMs: number): number {
		while (this.#times.length > 0 && this.#times[0]! <= now - 5_000) this.#times.shift();
		return this.#times.filter((time) => time > now - windowMs).length;
	}
}

/** ReRo-CCTV's rule in its viewer: below 28 frames a second a quality down, above 32 one up, by reconnecting. */
export class ReroRule {
	#arrivals = new Window();
	#openTime: number | null = null;

	/** A new connection is open; the rule waits for a whole window (the repair: it used to divide a part by 5 s). */
	opened(now: number): void {
		this.#openTime = now;
		this.#arrivals = new Window();
	}

	received(now: number): void {
		this.#arrivals.add(now);
	}

	/** The quality to change to, once a second; null: stay. */
	decide(now: number, quality: number): number | null {
		if (this.#openTime === null || now - this.#openTime < 5_000) return null;
		const framesPerSecond = this.#arrivals.count(now, 5_000) / 5;
		if (framesPerSecond < 28 && quality > 30) return quality - 5;
		if (framesPerSecond > 32 && quality < 95) return quality + 5;
		return null;
	}
}

/** What a rival's server decides for one viewer: whether a frame goes, and which rung. Pure. */
export interface Sender {
	/** Rendition to begin with. */
	readonly start: number;
	/** Whether a frame may be sent now; `bufferedBytes` is what the socket holds in user space. */
	admits(now: number, bufferedBytes: number): boolean;
	sent(now: number): void;
	acked(now: number): void;
	/** The rung for what follows, asked with every frame. */
	rung(now: number): number;
	/** Whether a frame that was not admitted waits for an ack, replaced by any newer one. */
	readonly keepsNewest: boolean;
}

/** Sends everything. */
export class Unlimited implements Sender {
	readonly keepsNewest = false;
	readonly start: number;

	constructor(rendition: number) {
		this.start = rendition;
	}

	admits(): boolean {
		return true;
	}

	sent(): void {}

	acked(): void {}

	rung(): number {
		return this.start;
	}
}

/** Drops while the socket holds bytes; with `topRung` it moves on the ladder by the share of drops. */
export class DropWhenBuffered implements Sender {
	readonly keepsNewest = false;
	readonly start: number;
	readonly #topRung: number | null;
	readonly #drops = new Window();
	readonly #sends = new Window();
	#rung: number;
	#switchTime = Number.NEGATIVE_INFINITY;

	constructor(start: number, topRung: number | null) {
		this.start = start;
		this.#rung = start;
		this.#topRung = topRung;
	}

	admits(now: number, bufferedBytes: number): boolean {
		if (bufferedBytes === 0) return true;
		this.#drops.add(now);
		return false;
	}

	sent(now: number): void {
		this.#sends.add(now);
	}

	acked(): void {}

	rung(now: number): number {
		if (this.#topRung === null) return this.#rung;
		if (this.#switchTime === Number.NEGATIVE_INFINITY) this.#switchTime = now;
		const drops = this.#drops.count(now, 2_000);
		const share = drops / Math.max(1, drops + this.#sends.count(now, 2_000));
		const sinceMs = now - this.#switchTime;
		if (sinceMs > 2_000 && share > 0.2 && this.#rung > 0) this.#move(now, -1);
		else if (sinceMs > 5_000 && this.#drops.count(now, 5_000) === 0 && this.#rung < this.#topRung)
			this.#move(now, 1);
		return this.#rung;
	}

	#move(now: number, by: number): void {
		this.#rung += by;
		this.#switchTime = now;
	}
}

/** A fixed number of frames in flight; the rung follows the share of the source's frames that arrive. */
export class FixedInFlight implements Sender {
	readonly keepsNewest = true;
	readonly start = START_RUNG;
	readonly #limit: number;
	readonly #topRung: number;
	readonly #sourceRate: number;
	readonly #arrivals = new Window();
	#inFlight = 0;
	#rung: number = START_RUNG;
	#switchTime = Number.NEGATIVE_INFINITY;

	constructor(limit: number, { topRung, sourceRate }: { topRung: number; sourceRate: number }) {
		this.#limit = limit;
		this.#topRung = topRung;
		this.#sourceRate = sourceRate;
	}

	admits(): boolean {
		return this.#inFlight < this.#limit;
	}

	sent(): void {
		this.#inFlight++;
	}

	acked(now: number): void {
		this.#inFlight--;
		this.#arrivals.add(now);
	}

	rung(now: number): number {
		if (this.#switchTime === Number.NEGATIVE_INFINITY) this.#switchTime = now;
		const sinceMs = now - this.#switchTime;
		const share = (windowMs: number) =>
			(this.#arrivals.count(now, windowMs) * 1000) / windowMs / this.#sourceRate;
		if (sinceMs > 2_000 && share(2_000) < 0.8 && this.#rung > 0) this.#move(now, -1);
		else if (sinceMs > 4_000 && share(4_000) > 0.97 && this.#rung < this.#topRung) this.#move(now, 1);
		return this.#rung;
	}

	#move(now: number, by: number): void {
		this.#rung += by;
		this.#switchTime = now;
	}
}
