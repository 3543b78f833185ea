const INTERVAL_MS = 1_000; // a ping and its answer are 38 bytes: cheap enough to ask every second
const SILENCE_MS = 4_000; // three lost pings: longer than any stall a working link shows, short enough to act within 5 s
const ASLEEP_MS = 2_000; // a check this late means that this process stood still, not that the peer was silent
const WAKE_MS = 1_000; // time a peer gets to answer after we stood still

const SLOWEST_LINK = 6; // bytes per ms = 48 kbit/s: slower ones are not waited for
const MAX_PATIENCE_MS = 20_000;

/** How much longer than usual a side may be silent while `bytes` of one message are on their way from it. */
export function bodyPatienceMs(bytes: number): number {
	return Math.min(MAX_PATIENCE_MS, bytes / SLOWEST_LINK);
}

/**
 * Decides when to ping a peer and when to give it up. TCP and the WebSocket library both keep a dead path open for
 * minutes, so every side of every connection runs one of these. Pure: instants are passed in, any monotonic clock.
 */
export class Heartbeat {
	#heardTime: number;
	#checkTime: number;
	#pingTime = Number.NEGATIVE_INFINITY;
	readonly #pings: "always" | "when silent";

	/**
	 * `pings` "always": every second, because the answers also set a clock. "when silent": only a peer that has
	 * said nothing for a second is asked, so that whoever acknowledges frames costs nothing more.
	 */
	constructor(now: number, pings: "always" | "when silent") {
		this.#heardTime = now;
		this.#checkTime = now;
		this.#pings = pings;
	}

	/** Any message of the peer proves that it lives. */
	heard(now: number): void {
		this.#heardTime = now;
	}

	/**
	 * Call about four times a second and do what it says. `patienceMs` is added to the silence that is put up with:
	 * nothing else can be heard while one large message is on its way.
	 */
	check(now: number, patienceMs = 0): "ping" | "dead" | "wait" {
		const stoodStill = now - this.#checkTime > ASLEEP_MS;
		this.#checkTime = now;
		if (stoodStill) this.#heardTime = Math.max(this.#heardTime, now - SILENCE_MS + WAKE_MS);
		else if (now - this.#heardTime > SILENCE_MS + patienceMs) return "dead";
		const quietFrom = this.#pings === "always" ? this.#pingTime : Math.max(this.#pingTime, this.#heardTime);
		if (!stoodStill && now - quietFrom < INTERVAL_MS) return "wait";
		this.#pingTime = now;
		return "ping";
	}
}
