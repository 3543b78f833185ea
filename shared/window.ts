import type { Ack } from "./ack.ts";
import { WindowedMin } from "./windowed-min.ts";

const QUEUE_WAIT_MS = 20; // a frame that would wait longer than this in queues is better sent newer
const GATE_HORIZON_MS = 300; // rate horizon of the gate: about ten frames
const INTERVALS_IN_FLIGHT = 3; // at most this many frame intervals of the link's rate beyond the empty round trip
const INTERVAL_SHARE = 1.2; // of the frame interval that all renditions of one raw frame may take together
const SENT_WINDOW_MS = 1_000;
const BASE_WINDOW_MS = 10_000; // the empty path's delay is sought over this long
const QUEUE_WINDOW_MS = 2_000;
const FOREIGN_QUEUE_MS = 60; // our own queue drains with every frame; one that never falls below this is somebody else's
const FOREIGN_QUEUE_OVER_MS = 20;
const JITTER_MS = 15; // headers late by up to this were held by the link (wifi and LTE send in bursts), not by load
const STALL_MS = 20; // header and body at once after this long were released together by a stall
const MIN_SERVICE_MS = 1;
const MAX_SERVICE_MS = 400; // one outage must not poison the average
const MAX_SPACING_MS = 1_000; // unless header and body came that far apart: 6 kB at 48 kbit/s do
const SAMPLES_MS = 6_000;
const MAX_SAMPLES = 400;
const PAUSE_MS = 1_000; // links change in longer ones
const INITIAL_ROUND_TRIP_MS = 100; // before the first ack
const CLOCK_SLIP_MS = 20; // nothing travels faster than in no time; drift is 1 ms in the time the base is kept
const ACK_WRAP_MS = 2 ** 32 / 10;

interface InFlight {
	delivery: number;
	bytes: number;
	sentTime: number;
}

/** How long the link was busy with one frame. */
export interface ServiceSample {
	/** When its ack came, sender's clock. */
	time: number;
	bytes: number;
	serviceMs: number;
}

/**
 * Flow window of one socket, at its sender: how much the link carries and whether one more frame would reach the
 * other side without waiting. Acks tell when header and body of each frame arrived; the two clocks are never
 * compared, only the smallest of their differences are used. The sender of either leg owns one. Pure: every
 * instant is passed in, ms, sender's clock. The algorithm is described in README.md of this room.
 */
export class FlowWindow {
	/** Bytes handed to the socket and not yet acknowledged. */
	inFlightBytes = 0;
	#inFlight: InFlight[] = [];
	#lastReceived = Number.NEGATIVE_INFINITY; // receiver's clock
	#forward = new WindowedMin(BASE_WINDOW_MS); // receiver's clock minus ours, plus the way there
	#back = new WindowedMin(BASE_WINDOW_MS); // our clock minus receiver's, plus the way back
	#queue = new WindowedMin(QUEUE_WINDOW_MS);
	#samples: ServiceSample[] = [];
	#sent: InFlight[] = []; // of the last second
	#sentBytes = 0;
	#initialRate: number;
	#firstAckTime: number | null = null;
	#modeTime = Number.NEGATIVE_INFINITY;
	#isCompeting = false;
	#isSlow = false; // one frame is a queue of its own
	#isTrusted = true;

	/** `initialRate` in bytes per ms, believed until the first acks. */
	constructor(initialRate: number) {
		this.#initialRate = initialRate;
	}

	get framesInFlight(): number {
		return this.#inFlight.length;
	}

	/** Round trip without queues, ms. */
	get roundTripMs(): number {
		return this.#firstAckTime === null ? INITIAL_ROUND_TRIP_MS : this.#forwardBase + this.#back.value;
	}

	/** True while every ack made sense; a receiver that lies gets one frame at a time. */
	get isTrusted(): boolean {
		return this.#isTrusted;
	}

	/** Whether a frame of `bytes` handed over now would arrive without queueing. `intervalMs`: the source's frame interval. */
	admits(now: number, intervalMs: number): boolean {
		if (this.#inFlight.length === 0) return true;
		if (this.#firstAckTime === null || !this.#isTrusted) return false;
		const rate = this.rate(now, GATE_HORIZON_MS);
		if (this.inFlightBytes > rate * (this.roundTripMs + INTERVALS_IN_FLIGHT * intervalMs)) return false;
		return this.#waitMs(now, rate) <= QUEUE_WAIT_MS;
	}

	/**
	 * Whether a further frame of `bytes` fits behind `aheadBytes` that are about to be sent: it would be through
	 * before the next raw frame comes. For the larger renditions of one raw frame, smallest first.
	 */
	admitsBehind(
		now: number,
		intervalMs: number,
		{ bytes, aheadBytes }: { bytes: number; aheadBytes: number },
	): boolean {
		if (this.#firstAckTime === null || !this.#isTrusted)
			return this.#inFlight.length === 0 && aheadBytes === 0;
		const rate = this.rate(now, GATE_HORIZON_MS);
		return (
			this.#waitMs(now, rate) + (aheadBytes + bytes) / rate <= INTERVAL_SHARE * intervalMs + QUEUE_WAIT_MS
		);
	}

	/** After a pause what was measured is old: believes `share` of the last rate until new acks come. */
	restart(now: number, share: number): void {
		const last = this.#samples.at(-1);
		if (!last || now - last.time < PAUSE_MS) return; // nothing came since the last restart, or it is not old
		this.#initialRate = share * this.rate(last.time, SAMPLES_MS);
		this.#samples = [];
	}

	/** Size of the oldest frame in flight; 0 when there is none. */
	get headBytes(): number {
		return this.#inFlight[0]?.bytes ?? 0;
	}

	/** False until a receiver has acknowledged something: rates are guesses before. */
	get isMeasured(): boolean {
		return this.#samples.length > 0;
	}

	/** Bytes per ms handed to the socket over the last second. */
	sentRate(now: number): number {
		while (this.#sent.length > 0 && now - this.#sent[0]!.sentTime > SENT_WINDOW_MS)
			this.#sentBytes -= this.#sent.shift()!.bytes;
		return this.#sentBytes / SENT_WINDOW_MS;
	}

	/** Notes a frame handed to the socket; `delivery` grows by one per frame. */
	sent(now: number, delivery: number, bytes: number): void {
		const frame = { delivery, bytes, sentTime: now };
		this.#inFlight.push(frame);
		this.inFlightBytes += bytes;
		this.#sent.push(frame);
		this.#sentBytes += bytes;
		this.sentRate(now); // forgets what left the window
	}

	/** Takes an ack; the sample it yields, or null where it says nothing about the rate. */
	acked(now: number, ack: Ack): ServiceSample | null {
		const frame = this.#take(ack.delivery);
		if (!frame) {
			this.#isTrusted = false; // acknowledges what was never sent, or twice
			return null;
		}
		const headerTime = unwrapped(ack.headerTime, this.#lastReceived);
		const bodyTime = unwrapped(ack.bodyTime, headerTime);
		if (bodyTime < headerTime || headerTime < this.#lastReceived) {
			this.#isTrusted = false;
			return null;
		}
		this.#measurePath(now, headerTime - frame.sentTime, now - bodyTime);
		this.#chooseMode(now);

		const emptyArrival = frame.sentTime + this.#forward.value;
		const lastReceived = this.#lastReceived;
		this.#lastReceived = bodyTime;
		const wasStalled =
			bodyTime - headerTime < 1 && bodyTime - emptyArrival > STALL_MS && bodyTime - lastReceived > STALL_MS;
		if (wasStalled) return null;
		const busyFrom = this.#isCompeting ? headerTime : Math.min(headerTime, emptyArrival + JITTER_MS);
		const spacingMs = Math.min(MAX_SPACING_MS, bodyTime - headerTime);
		const mostMs = Math.max(MAX_SERVICE_MS, spacingMs);
		const serviceMs = clamp(bodyTime - Math.max(lastReceived, busyFrom), MIN_SERVICE_MS, mostMs);
		this.#isSlow = serviceMs >= MAX_SERVICE_MS;
		const sample = { time: now, bytes: frame.bytes, serviceMs };
		this.#samples.push(sample);
		while (
			this.#samples.length > MAX_SAMPLES ||
			(this.#samples.length > 4 && now - this.#samples[0]!.time > SAMPLES_MS)
		)
			this.#samples.shift();
		return sample;
	}

	/** Bytes per ms of busy time over the last `horizonMs`; silence about the oldest frame in flight lowers it at once. */
	rate(now: number, horizonMs: number): number {
		let bytes = 0;
		let busyMs = 0;
		let count = 0;
		for (let i = this.#samples.length - 1; i >= 0; i--) {
			const sample = this.#samples[i]!;
			if (now - sample.time > horizonMs && count >= 2) break;
			bytes += sample.bytes;
			busyMs += sample.serviceMs;
			count++;
		}
		if (count === 0) {
			bytes = this.#initialRate * 100;
			busyMs = 100;
		}
		const head = this.#inFlight[0];
		const overdueMs = this.overdueMs(now);
		if (head && overdueMs > head.bytes / (bytes / busyMs)) {
			bytes += head.bytes;
			busyMs += overdueMs;
		}
		return bytes / busyMs;
	}

	/** How long the link must have been busy with the oldest frame in flight, ms; below 0 while it is still on its way. */
	overdueMs(now: number): number {
		const head = this.#inFlight[0];
		if (!head) return 0;
		if (this.#firstAckTime === null) return now - head.sentTime - INITIAL_ROUND_TRIP_MS;
		return now - this.#back.value - Math.max(this.#lastReceived, head.sentTime + this.#forwardBase);
	}

	/** How long the oldest frame in flight has been out, ms; 0 when nothing is. */
	silentMs(now: number): number {
		const head = this.#inFlight[0];
		return head ? now - head.sentTime : 0;
	}

	/** Takes a frame out of flight, and all before it: TCP keeps the order, so they have arrived too. */
	#take(delivery: number): InFlight | null {
		let index = 0;
		while (index < this.#inFlight.length && this.#inFlight[index]!.delivery !== delivery) index++;
		const frame = this.#inFlight[index];
		if (!frame) return null;
		for (; index >= 0; index--) this.inFlightBytes -= this.#inFlight.shift()!.bytes;
		return frame;
	}

	/** Predicted wait in queues of a frame handed over now, ms. */
	#waitMs(now: number, rate: number): number {
		const forward = this.#forwardBase;
		let finish = this.#lastReceived;
		for (let i = 0; i < this.#inFlight.length; i++) {
			const frame = this.#inFlight[i]!;
			finish = Math.max(finish, frame.sentTime + forward) + frame.bytes / rate;
			if (i === 0) finish = Math.max(finish, now - this.#back.value + 1); // not acknowledged yet, so not through yet
		}
		return Math.max(0, finish - (now + forward));
	}

	/** The way there without our own queue; another flow's standing queue counts as part of the way. */
	get #forwardBase(): number {
		return this.#forward.value + (this.#isCompeting ? this.#queue.value : 0);
	}

	/** `there` and `back`: the way of this frame and of its ack, each plus or minus the difference of the clocks. */
	#measurePath(now: number, there: number, back: number): void {
		this.#forward.add(now, there);
		this.#back.add(now, back);
		if (this.#forward.value + this.#back.value < -CLOCK_SLIP_MS) {
			// One of the clocks stood still (a laptop slept) or lies: begin again, one frame in flight until it holds.
			this.#forward.clear();
			this.#back.clear();
			this.#queue.clear();
			this.#forward.add(now, there);
			this.#back.add(now, back);
			this.#firstAckTime = null;
		} else this.#firstAckTime ??= now;
		this.#queue.add(now, there - this.#forward.value);
	}

	#chooseMode(now: number): void {
		const settled = now - Math.max(this.#modeTime, this.#firstAckTime ?? now) > QUEUE_WINDOW_MS;
		const standing = this.#queue.value;
		const isForeign = settled && standing > FOREIGN_QUEUE_MS && !this.#isSlow;
		if (this.#isCompeting ? standing < FOREIGN_QUEUE_OVER_MS || this.#isSlow : isForeign) {
			this.#isCompeting = !this.#isCompeting;
			this.#modeTime = now;
		}
	}
}

/** Undoes the wrap of the ack's tick counter: the instant nearest to `near`. */
function unwrapped(time: number, near: number): number {
	if (!Number.isFinite(near)) return time;
	return time + Math.round((near - time) / ACK_WRAP_MS) * ACK_WRAP_MS;
}

function clamp(value: number, min: number, max: number): number {
	return Math.min(max, Math.max(min, value));
}
