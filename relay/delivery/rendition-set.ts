/** One rung of a camera, as the choice of what the agent makes sees it. */
export interface Offered {
	/** Viewers whose own link and window would take this rung. */
	viewers: number;
	/** Bytes per ms at full rate. */
	cost: number;
	/** How good it looks, 0..1. */
	value: number;
	/** Begins a ladder: nobody who would take it or one above can be given one before it. */
	isLowest: boolean;
}

const MAX_RENDITIONS = 4; // of one camera at a time, so that no crowd of viewers can overload an agent
/** Share of the uplink up to which nothing has to be weighed. */
export const COMFORT = 0.75;
const TIGHT = 0.85; // share planned for after it became too much
const OVERLOAD = 1.2; // cost over rate that is too much when it lasts
const OVERLOAD_MS = 500;
const FLOOD = 2.5; // cost over rate that is too much at once
const UP_MS = 3_000; // between a change and the next one upward
const UP_GAIN = 0.03; // of the viewers' sum: less is not worth a change
const CHEAPER = 1e-6; // prefers the cheaper of two equally good sets

/** The sum over viewers of the value of the best rung of `set` and their ladder not above their own. */
function valueOfSet(set: number, rungs: readonly Offered[]): number {
	let sum = 0;
	let best = 0;
	for (let i = 0; i < rungs.length; i++) {
		const rung = rungs[i]!;
		if (rung.isLowest) best = 0;
		if ((set >> i) & 1) best = rung.value;
		sum += rung.viewers * best;
	}
	return sum;
}

/** The rungs of `set` that somebody gets. */
function usedOfSet(set: number, rungs: readonly Offered[]): number {
	let used = 0;
	let best = 0;
	for (let i = 0; i < rungs.length; i++) {
		if (rungs[i]!.isLowest) best = 0;
		if ((set >> i) & 1) best = 1 << i;
		if (rungs[i]!.viewers > 0) used |= best;
	}
	return used;
}

/** Whether every viewer finds a rung in `set` and their ladder that is not above their own. */
function isForAll(set: number, rungs: readonly Offered[]): boolean {
	let hasOne = false;
	for (let i = 0; i < rungs.length; i++) {
		if (rungs[i]!.isLowest) hasOne = false;
		if ((set >> i) & 1) hasOne = true;
		else if (rungs[i]!.viewers > 0 && !hasOne) return false;
	}
	return true;
}

/** Ladders somebody watches: as many renditions are made at least. */
function leastCount(rungs: readonly Offered[]): number {
	let count = 0;
	let isCounted = false;
	for (const { isLowest, viewers } of rungs) {
		if (isLowest) isCounted = false;
		if (viewers === 0 || isCounted) continue;
		isCounted = true;
		count++;
	}
	return count;
}

function costOfSet(set: number, rungs: readonly Offered[]): number {
	let sum = 0;
	for (let i = 0; i < rungs.length; i++) if ((set >> i) & 1) sum += rungs[i]!.cost;
	return sum;
}

/**
 * The set of rungs (bit i = rung i) of greatest value to the viewers whose cost, bytes per ms, stays within the
 * budget; when not even one of each ladder does, those of which most arrives. Leaves no viewer without any. Tries every
 * set of at most four: 6195 of 20 rungs.
 */
export function bestSet(rungs: readonly Offered[], budget: number): number {
	const least = leastCount(rungs);
	let best = 0;
	let bestValue = Number.NEGATIVE_INFINITY;
	const end = 2 ** rungs.length;
	for (let count = least; count <= Math.min(MAX_RENDITIONS, rungs.length); count++)
		for (let set = 2 ** count - 1; set > 0 && set < end; set = nextOfSameCount(set)) {
			if (!isForAll(set, rungs)) continue;
			const cost = costOfSet(set, rungs);
			if (cost > budget && count > least) continue;
			const share = cost > budget ? budget / cost : 1; // of its frames that arrive
			const value = share * valueOfSet(set, rungs) - CHEAPER * cost;
			if (value > bestValue) [best, bestValue] = [set, value];
		}
	return best;
}

/** The next greater number with as many bits set (Beeler, Gosper, Schroeppel: HAKMEM, item 175). */
function nextOfSameCount(set: number): number {
	const lowest = set & -set;
	const carried = set + lowest;
	return carried | (Math.floor((carried ^ set) / lowest) >> 2);
}

/**
 * Which rungs of one camera its agent makes. As long as the uplink has room it is exactly what the viewers want;
 * otherwise the best set for all of them together, kept until a change is clearly worth it. Pure: `now` in ms.
 */
export class RenditionSet {
	/** Bit i = rung i. */
	set = 0;
	/** Whether somebody gets less than their own link would take. */
	isLimited = false;
	#changeTime = Number.NEGATIVE_INFINITY;
	#overloadTime: number | null = null;

	/** `budget`: bytes per ms the uplink has for this camera, null when it is not known to be a limit. */
	update(now: number, rungs: readonly Offered[], budget: number | null): number {
		const wanted = rungs.reduce((set, { viewers }, i) => (viewers > 0 ? set | (1 << i) : set), 0);
		const rate = budget ?? Number.POSITIVE_INFINITY;
		const isHeld = this.isLimited && now - this.#changeTime < UP_MS;
		const hasRoom = countOf(wanted) <= MAX_RENDITIONS && costOfSet(wanted, rungs) <= COMFORT * rate;
		if (wanted === 0 || (hasRoom && !isHeld)) this.#settle(now, wanted);
		else if (this.#isTooMuch(now, costOfSet(this.set, rungs) / rate) || !isForAll(this.set, rungs))
			this.#settle(now, bestSet(rungs, TIGHT * rate));
		else if (now - this.#changeTime >= UP_MS) {
			const better = bestSet(rungs, COMFORT * rate);
			const viewers = rungs.reduce((sum, rung) => sum + rung.viewers, 0);
			if (valueOfSet(better, rungs) - valueOfSet(this.set, rungs) > UP_GAIN * viewers)
				this.#settle(now, better);
		}
		this.set = usedOfSet(this.set, rungs); // what nobody gets any more costs the others
		this.isLimited = (wanted & ~this.set) !== 0;
		return this.set;
	}

	/** `load`: cost over rate. */
	#isTooMuch(now: number, load: number): boolean {
		if (load <= OVERLOAD) this.#overloadTime = null;
		else this.#overloadTime ??= now;
		return this.#overloadTime !== null && (now - this.#overloadTime >= OVERLOAD_MS || load > FLOOD);
	}

	#settle(now: number, set: number): void {
		this.#overloadTime = null;
		if (set === this.set) return;
		this.set = set;
		this.#changeTime = now;
	}
}

function countOf(set: number): number {
	let count = 0;
	for (let rest = set; rest > 0; rest &= rest - 1) count++;
	return count;
}
