import type { Mode } from "#shared/protocol.ts";
import { Evidence, type Link, type Rung, type Taste } from "./evidence.ts";

/** What is to be chosen from; `cap`: index of the highest rung that makes sense for this viewer. */
interface Choosing {
	rungs: readonly Rung[];
	cap: number;
	mode: Mode;
}

const TASTES: Record<Mode, Taste> = {
	smooth: { lateness: 2, rareness: 0.9, caution: 1 },
	balanced: { lateness: 1.5, rareness: 0.6, caution: 1 },
	sharp: { lateness: 1, rareness: 0.35, caution: 0.5 },
};

const DECIDE_MS = 100;
const REACH = 4; // rungs a single change may jump
const GROWTH = 4; // going up may ask for this many times the bytes that were proven in the last second
const DOWN_GAIN = 0.08;
const UP_GAIN = 0.15;
const KEY_CAUTION = 1.7; // factor on it where the way up begins with a key of many times a frame's bytes
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
const UNREACHABLE = -10; // value of a rung whose key takes longer: below any other
const SSIM_FLOOR = 0.7; // below it a picture is worth nothing
const SSIM_SPAN = 0.265;

/** How good a rung looks, 0..1, from its SSIM. */
export function pictureValue(ssim: number): number {
	return Math.min(1, Math.max(0, (ssim - SSIM_FLOOR) / SSIM_SPAN));
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

	/** Looks again, at most ten times a second; returns `rung`. */
	decide(now: number, link: Link, { rungs, cap, mode }: Choosing): number {
		if (this.rung > cap) return this.#change(now, cap);
		const sinceChangeMs = now - this.#changeTime;
		const isOutage = link.overdueMs > OUTAGE_MS && sinceChangeMs > OUTAGE_MS;
		if (now - this.#decideTime < DECIDE_MS && !isOutage) return this.rung;
		this.#decideTime = now;
		if (link.history.length === 0 && !isOutage) return this.rung;

		const taste = TASTES[mode];
		evidence.fill(now, link);
		const { best, bestGain } = this.#best(link, { rungs, cap, taste, keysFrom: this.rung + 1 });
		const ease = Math.max(LEAST_EASE, 2 ** (-sinceChangeMs / CALM_MS));
		if (best < this.rung && bestGain > DOWN_GAIN * ease * taste.caution && sinceChangeMs >= DOWN_MS) {
			if (now - this.#upTime < FAILED_MS)
				this.#upMs = Math.min(UP_MS * MAX_FAILED, this.#upMs * FAILED_FACTOR);
			return this.#change(now, best);
		}
		if (sinceChangeMs > FORGIVEN_MS) this.#upMs = UP_MS;
		const easeUp = now - this.#downTime > CLIMB_MS ? Math.min(ease, CLIMB_EASE) : ease;
		const upGain = rungs[best]!.isSkippable ? UP_GAIN : KEY_CAUTION * UP_GAIN;
		if (best > this.rung && bestGain > upGain * easeUp * taste.caution && sinceChangeMs >= this.#upMs)
			return this.#change(now, best);
		return this.rung;
	}

	/** Looks for a better rung below without caution: the viewer has lost its place on this one and needs a key anyway. */
	descend(now: number, link: Link, { rungs, cap, mode }: Choosing): number {
		this.#decideTime = now;
		evidence.fill(now, link);
		const taste = TASTES[mode];
		const { best } = this.#best(link, { rungs, cap: Math.min(cap, this.rung), taste, keysFrom: 0 });
		return this.#change(now, best);
	}

	/** `keysFrom`: the rungs from here on are no better than their keys are quick. */
	#best(
		link: Link,
		{ rungs, cap, taste, keysFrom }: Omit<Choosing, "mode"> & { taste: Taste; keysFrom: number },
	): { best: number; bestGain: number } {
		const valueAt = (index: number) =>
			index < keysFrom || index === 0 || evidence.isQuick(rungs[index]!, link)
				? evidence.expectedValue(rungs[index]!, link, taste)
				: UNREACHABLE;
		const current = valueAt(this.rung);
		let best = this.rung;
		let bestGain = 0;
		const provenBytes = GROWTH * link.sentRate * link.intervalMs;
		for (let index = Math.max(0, this.rung - REACH); index <= Math.min(cap, this.rung + REACH); index++) {
			if (index > this.rung && rungs[index]!.bytes > provenBytes) break;
			const gained = valueAt(index) - current;
			if (gained > bestGain) [best, bestGain] = [index, gained];
		}
		return { best, bestGain };
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

const evidence = new Evidence(); // filled and read within one call: one for all spares 60 allocations a look
