import type { Mode } from "#shared/protocol.ts";
import type { RateBucket } from "./rate-history.ts";

/** One rung as the choice sees it. */
export interface Rung {
	/** Bytes of one frame, by what was measured of this scene. */
	bytes: number;
	/** How good it looks, 0..1. */
	value: number;
}

/** What is known of a viewer's link now; all from its flow window. */
export interface Link {
	history: readonly RateBucket[];
	roundTripMs: number;
	/** How long the oldest frame in flight has been due, ms, and its size. */
	overdueMs: number;
	headBytes: number;
	/** Bytes per ms sent over the last second. */
	sentRate: number;
	/**
	 * How much of the link's time one frame may take, ms: the source's frame interval, times this camera's share where
	 * several take turns on one link. A whole interval for each would let them take the link's time several times over.
	 */
	intervalMs: number;
}

interface Taste {
	/** How much a late frame counts: factor on the time a frame takes. */
	lateness: number;
	/** What losing all frames would cost, in units of value. */
	rareness: number;
	/** Factor on the gains that are worth a change. */
	caution: number;
}

const TASTES: Record<Mode, Taste> = {
	smooth: { lateness: 2, rareness: 0.9, caution: 1 },
	balanced: { lateness: 1.5, rareness: 0.6, caution: 1 },
	sharp: { lateness: 1, rareness: 0.35, caution: 0.5 },
};

const DECIDE_MS = 100;
const REACH = 4; // rungs a single change may jump
const MEMORY_MS = 1_500; // weight of a bucket falls to 1/e in this time
const GROWTH = 4; // going up may ask for this many times the bytes that were proven in the last second
const DOWN_GAIN = 0.08;
const UP_GAIN = 0.15;
const DOWN_MS = 200; // shortest time between a change and a way down
const UP_MS = 700; // and a way up, longer after climbs that failed
const FAILED_MS = 4_000; // a way down this soon after a way up means that the climb failed
const FAILED_FACTOR = 1.5;
const MAX_FAILED = 8;
const FORGIVEN_MS = 10_000;
const CALM_MS = 12_000; // the longer nothing changed, the smaller a gain is worth a change: halves in this time
const LEAST_EASE = 0.12;
const CLIMB_MS = 6_000; // so long after the last way down, climbing on is not flapping
const CLIMB_EASE = 0.5;
const OUTAGE_MS = 600; // nothing came for this long: decide at once
const FIXED_AGE_MS = 20; // capture, encoding, decoding: what every picture has
const SSIM_FLOOR = 0.7; // below it a picture is worth nothing
const SSIM_SPAN = 0.265;

/** How good a rung looks, 0..1, from its SSIM. */
export function pictureValue(ssim: number): number {
	return Math.min(1, Math.max(0, (ssim - SSIM_FLOOR) / SSIM_SPAN));
}

/** What a picture of this age is worth: all of it up to 80 ms, three quarters at 200, nothing from a second on. */
function worthAtAge(ageMs: number): number {
	if (ageMs <= 80) return 1;
	if (ageMs <= 200) return 1 - (0.25 * (ageMs - 80)) / 120;
	return Math.max(0, 0.75 * (1 - (ageMs - 200) / 800));
}

/**
 * Chooses one viewer's rung of one camera: the one of greatest expected value over the rates its link showed lately,
 * older ones counting less. A value is how good the picture looks, times what its age leaves of it, less what its
 * rareness costs. Pure: `now` in ms, any monotonic clock.
 */
export class RungChooser {
	/** Index of the chosen rung, cheapest = 0. */
	rung: number;
	#changeTime: number;
	#upTime = Number.NEGATIVE_INFINITY;
	#downTime = Number.NEGATIVE_INFINITY;
	#decideTime = Number.NEGATIVE_INFINITY;
	#upMs = UP_MS;

	constructor(rung: number, now: number) {
		this.rung = rung;
		this.#changeTime = now;
	}

	/** Looks again, at most ten times a second; returns `rung`. `cap` is the highest that makes sense for this viewer. */
	decide(
		now: number,
		link: Link,
		{ rungs, cap, mode }: { rungs: readonly Rung[]; cap: number; mode: Mode },
	): number {
		if (this.rung > cap) return this.#change(now, cap);
		const sinceChangeMs = now - this.#changeTime;
		const isOutage = link.overdueMs > OUTAGE_MS && sinceChangeMs > OUTAGE_MS;
		if (now - this.#decideTime < DECIDE_MS && !isOutage) return this.rung;
		this.#decideTime = now;
		if (link.history.length === 0 && !isOutage) return this.rung;

		const taste = TASTES[mode];
		evidence.fill(now, link);
		const valueAt = (index: number) => evidence.expectedValue(rungs[index]!, link, taste);
		const current = valueAt(this.rung);
		let best = this.rung;
		let bestGain = 0;
		const provenBytes = GROWTH * link.sentRate * link.intervalMs;
		for (let index = Math.max(0, this.rung - REACH); index <= Math.min(cap, this.rung + REACH); index++) {
			if (index > this.rung && rungs[index]!.bytes > provenBytes) break;
			const gained = valueAt(index) - current;
			if (gained > bestGain) [best, bestGain] = [index, gained];
		}

		const ease = Math.max(LEAST_EASE, 2 ** (-sinceChangeMs / CALM_MS));
		if (best < this.rung && bestGain > DOWN_GAIN * ease * taste.caution && sinceChangeMs >= DOWN_MS) {
			if (now - this.#upTime < FAILED_MS)
				this.#upMs = Math.min(UP_MS * MAX_FAILED, this.#upMs * FAILED_FACTOR);
			return this.#change(now, best);
		}
		if (sinceChangeMs > FORGIVEN_MS) this.#upMs = UP_MS;
		const easeUp = now - this.#downTime > CLIMB_MS ? Math.min(ease, CLIMB_EASE) : ease;
		if (best > this.rung && bestGain > UP_GAIN * easeUp * taste.caution && sinceChangeMs >= this.#upMs)
			return this.#change(now, best);
		return this.rung;
	}

	#change(now: number, rung: number): number {
		if (rung === this.rung) return rung;
		if (rung > this.rung) this.#upTime = now;
		else this.#downTime = now;
		this.#changeTime = now;
		this.rung = rung;
		return rung;
	}
}

/** How fast the link was lately, stretch by stretch, and how much each counts now. */
class Evidence {
	#msPerByte: number[] = [];
	#weights: number[] = [];
	#count = 0;
	#sum = 0;

	fill(now: number, { history, overdueMs, headBytes, intervalMs }: Link): void {
		this.#count = 0;
		this.#sum = 0;
		for (let i = 0; i < history.length; i++) {
			const { time, bytes, busyMs, frames } = history[i]!;
			const weight = Math.max(busyMs, frames * intervalMs) * Math.exp((time - now) / MEMORY_MS);
			this.#add(busyMs / bytes, weight);
		}
		if (overdueMs > intervalMs) this.#add(overdueMs / headBytes, overdueMs);
	}

	expectedValue({ bytes, value }: Rung, { intervalMs, roundTripMs }: Link, taste: Taste): number {
		const baseMs = FIXED_AGE_MS + roundTripMs / 2;
		const { lateness, rareness } = taste;
		let sum = 0;
		for (let i = 0; i < this.#count; i++) {
			const serviceMs = bytes * this.#msPerByte[i]!;
			const isRarer = serviceMs > intervalMs;
			const shownMs = isRarer ? serviceMs : intervalMs;
			let gained = value * worthAtAge(baseMs + lateness * (serviceMs + shownMs / 2));
			if (isRarer) gained -= rareness * (1 - intervalMs / serviceMs);
			sum += this.#weights[i]! * gained;
		}
		return this.#sum > 0 ? sum / this.#sum : -1;
	}

	#add(msPerByte: number, weight: number): void {
		this.#msPerByte[this.#count] = msPerByte;
		this.#weights[this.#count] = weight;
		this.#sum += weight;
		this.#count++;
	}
}

const evidence = new Evidence(); // filled and read within one call: one for all spares 60 allocations a look
