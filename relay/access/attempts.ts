import { isIPv6 } from "node:net";

const BURST = 8; // tries before waiting
const REFILL_MS = 10_000; // then one more each
const MAX_ADDRESSES = 10_000;

/** How often an address may still fail: a bucket of tries that fills up again. Pure but for what it remembers. */
export class Attempts {
	readonly #buckets = new Map<string, { left: number; time: number }>();

	/** Takes a try; false when there is none left. `now` in ms. */
	take(address: string, now: number): boolean {
		const key = groupOf(address);
		const bucket = this.#buckets.get(key) ?? { left: BURST, time: now };
		const left = Math.min(BURST, bucket.left + (now - bucket.time) / REFILL_MS);
		this.#buckets.delete(key); // anew at the end: the longest untouched is forgotten first
		this.#buckets.set(key, { left: left >= 1 ? left - 1 : left, time: now });
		if (this.#buckets.size > MAX_ADDRESSES) this.#buckets.delete(this.#buckets.keys().next().value!);
		return left >= 1;
	}

	/** A try that succeeded costs nothing. */
	giveBack(address: string): void {
		const bucket = this.#buckets.get(groupOf(address));
		if (bucket) bucket.left = Math.min(BURST, bucket.left + 1);
	}
}

/** Whoever has one IPv6 address has its whole /64. */
export function groupOf(address: string): string {
	if (!isIPv6(address) || address.includes(".")) return address;
	const [head = "", tail] = address.split("::");
	const left = head.split(":").filter(Boolean);
	const right = tail?.split(":").filter(Boolean) ?? [];
	const zeros = Array<string>(Math.max(0, 8 - left.length - right.length)).fill("0");
	return [...left, ...(tail === undefined ? [] : zeros), ...right].slice(0, 4).join(":");
}
