/**
 * This process's clock: ms since the Unix epoch with sub-millisecond steps. It never jumps, because it is the
 * monotonic clock set once at start; how far it is from another machine's is what `ClockOffset` estimates.
 */
export function localNow(): number {
	return performance.timeOrigin + performance.now();
}

const PINGS_KEPT = 8; // enough that one falls between two queues, few enough to follow a drifting clock

interface Sample {
	roundTripTime: number;
	offsetMs: number;
}

/**
 * How far the relay's clock is ahead of ours, from pings: the fastest of the last eight is believed, because a
 * queue can only make a round trip longer and lopsided (the filter of NTP, RFC 5905 section 10).
 */
export class ClockOffset {
	#samples: Sample[] = [];
	#best: Sample | null = null;

	/** Takes one answered ping; all three instants in ms, `sentTime` and `now` in our clock. */
	add(sentTime: number, relayTime: number, now: number): void {
		const roundTripTime = Math.max(0, now - sentTime);
		this.#samples.push({ roundTripTime, offsetMs: relayTime - (sentTime + now) / 2 });
		if (this.#samples.length > PINGS_KEPT) this.#samples.shift();
		this.#best = this.#samples.reduce((a, b) => (b.roundTripTime < a.roundTripTime ? b : a));
	}

	/** False until the first ping was answered: ages are unknown before. */
	get isKnown(): boolean {
		return this.#best !== null;
	}

	/** Relay clock minus our clock, ms; 0 while unknown. */
	get offsetMs(): number {
		return this.#best?.offsetMs ?? 0;
	}

	/** Round trip of the fastest recent ping, ms; null while unknown. */
	get roundTripTime(): number | null {
		return this.#best?.roundTripTime ?? null;
	}

	/** An instant of our clock in the relay's. */
	toRelay(localTime: number): number {
		return localTime + this.offsetMs;
	}
}
