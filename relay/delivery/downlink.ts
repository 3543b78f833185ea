import type { Ack } from "#shared/ack.ts";
import { bodyPatienceMs } from "#shared/heartbeat.ts";
import type { Mode } from "#shared/protocol.ts";
import { FlowWindow } from "#shared/window.ts";
import type { Camera, RelayedFrame } from "../camera.ts";
import type { Link } from "./evidence.ts";
import { RateHistory } from "./rate-history.ts";
import type { Subscriber } from "./subscriber.ts";
import { decideAnew } from "./together.ts";

const INITIAL_RATE = 800; // bytes per ms: what 360p q60 takes at 30 frames a second, and a third more
const REMEMBERED_SHARE = 0.7; // networks change
const MAX_WAIT_MS = 300; // of frames that others build on: beyond it a key is fresher and hardly more than what waits
const MAX_FIRST_WAIT_MS = 600; // the same before the first ack: all wait for it, on the longest ways too
const CHOOSE_MS = 50; // an outage must be seen soon after it has become one
const RATE_MS = 1_500; // horizon of the rate that is told
const SILENT_MS = 10_000; // nothing acknowledged for this long while frames are out: the viewer stands still

/** How one kind of viewer is given a frame; false when the socket refused it. */
export interface FrameWriter {
	readonly bufferedBytes: number;
	write(frame: RelayedFrame, delivery: number, isCached: boolean): boolean;
}

/**
 * One viewer's connection: a flow window shared by all its subscribers, which take turns by what they were sent.
 * Sends when the window admits: what cannot go now waits with its subscriber, where newer frames replace it or, if they
 * build on it, it may get 200 ms old.
 */
export class Downlink {
	readonly counters = { sent: 0, acknowledged: 0, dropped: 0 };
	/** When one of its subscribers last asked for a key of each camera: leaving and coming back asks no more often. */
	readonly keyTimes = new WeakMap<Camera, number>();
	mode: Mode = "balanced";
	/** Bytes per ms this network carried before; null if unknown. Set it before the first subscriber. */
	rememberedRate: number | null = null;
	readonly #writer: FrameWriter;
	readonly #history = new RateHistory();
	readonly #subscribers: Subscriber[] = [];
	#window: FlowWindow | null = null;
	#delivery = 0;
	#turn = 0;
	#chooseTime = Number.NEGATIVE_INFINITY;

	constructor(writer: FrameWriter) {
		this.#writer = writer;
	}

	get subscribers(): readonly Subscriber[] {
		return this.#subscribers;
	}

	add(subscriber: Subscriber, now: number): void {
		if (this.#subscribers.length === 0) this.#begin(now);
		subscriber.turn = this.#turn;
		this.#subscribers.push(subscriber);
	}

	remove(subscriber: Subscriber): void {
		const index = this.#subscribers.indexOf(subscriber);
		if (index >= 0) this.#subscribers.splice(index, 1);
	}

	/** Sends what waits and fits. Call when a frame came, an ack came, the socket drained, and every 50 ms. */
	flush(now: number): void {
		for (let subscriber = this.#nextWaiting(); subscriber; subscriber = this.#nextWaiting()) {
			const frame = subscriber.waiting!;
			const bytes = frame.headerBytes.length + frame.body.length;
			// Independent of any ack: a receiver that lies fills one frame of its own socket, no more.
			if (this.#writer.bufferedBytes > bytes || !this.#window?.admits(now, subscriber.intervalMs)) {
				this.#giveUpOld(now);
				return this.#askKeysBefore(subscriber.turn, now);
			}
			if (!this.#writer.write(frame, this.#delivery, subscriber.isCached(frame))) {
				this.counters.dropped++;
				subscriber.settle("dropped", now);
				return;
			}
			if (frame.header.isKey) subscriber.keyDelivery = this.#delivery;
			this.#window.sent(now, this.#delivery, bytes);
			this.#delivery = (this.#delivery + 1) >>> 0;
			this.counters.sent++;
			this.#turn = subscriber.turn;
			subscriber.turn += bytes / subscriber.weight;
			subscriber.settle("sent", now);
		}
		this.#askKeys(now);
	}

	acked(now: number, ack: Ack): void {
		if (!this.#window) return;
		const before = this.#window.framesInFlight;
		const sample = this.#window.acked(now, ack);
		if (sample) this.#history.add(sample);
		this.counters.acknowledged += before - this.#window.framesInFlight;
		this.choose(now);
		this.flush(now);
	}

	/** The viewer of this subscriber can go on with a key alone; one that is on its way already will do. */
	restart(subscriber: Subscriber, now: number): void {
		const sentSince = (this.#delivery - (subscriber.keyDelivery ?? this.#delivery)) >>> 0;
		const isOnItsWay = sentSince > 0 && sentSince <= (this.#window?.framesInFlight ?? 0);
		if (!isOnItsWay) subscriber.restart(now);
	}

	/** Looks again which rungs this link carries. Call with every ack and every 50 ms. */
	choose(now: number): void {
		if (!this.#window || now - this.#chooseTime < CHOOSE_MS) return;
		this.#chooseTime = now;
		const linkOf = this.#links(this.#window, now);
		const changed = this.#subscribers.filter((one) => one.choose(now, linkOf(one), this.mode));
		decideAnew(
			changed.map(({ camera }) => camera),
			now,
		);
	}

	/** True once the viewer has stopped acknowledging altogether. */
	isStalled(now: number): boolean {
		const window = this.#window;
		return window !== null && window.silentMs(now) > SILENT_MS + bodyPatienceMs(window.headBytes);
	}

	/** What this connection carries, bits per second; null before it is known. */
	rateBps(now: number): number | null {
		return this.#window?.isMeasured ? this.#window.rate(now, RATE_MS) * 8_000 : null;
	}

	/** What is known of the link, as each subscriber has its part of it. */
	#links(window: FlowWindow, now: number): (subscriber: Subscriber) => Link {
		const weights = this.#subscribers.reduce((sum, { weight }) => sum + weight, 0);
		const link = {
			history: this.#history.buckets,
			roundTripMs: window.roundTripMs,
			overdueMs: window.overdueMs(now),
			headBytes: window.headBytes,
			sentRate: window.sentRate(now),
		};
		// As if each of its frames had that much less time.
		return ({ intervalMs, weight }) => ({ ...link, intervalMs: (intervalMs * weight) / weights });
	}

	/** The window is closed: whoever has waited too long behind it goes on with a key, perhaps of a lower rung. */
	#giveUpOld(now: number): void {
		const window = this.#window;
		if (!window) return;
		const maxMs = window.isMeasured ? MAX_WAIT_MS : MAX_FIRST_WAIT_MS;
		const losing = this.#subscribers.filter((subscriber) => subscriber.waitedMs(now) > maxMs);
		if (losing.length === 0) return;
		const linkOf = this.#links(window, now);
		for (const subscriber of losing) subscriber.lose(now, linkOf(subscriber), this.mode);
		decideAnew(
			losing.map(({ camera }) => camera),
			now,
		);
	}

	/** Asks for the keys somebody waits for; of those who are sent nothing meanwhile, not before the link could take one. */
	#askKeys(now: number): void {
		for (const subscriber of this.#subscribers)
			if (!subscriber.isWaitingForKey || this.#window?.admits(now, subscriber.intervalMs))
				subscriber.askKey(now);
	}

	/**
	 * The window is closed by somebody who always has a frame waiting: whoever was sent less than that one asks all the
	 * same, or would never have anything to take its turn with.
	 */
	#askKeysBefore(turn: number, now: number): void {
		for (const subscriber of this.#subscribers)
			if (subscriber.isWaitingForKey && subscriber.turn < turn) subscriber.askKey(now);
	}

	#begin(now: number): void {
		if (this.#window) {
			// Back from a pause: what was measured before it is old.
			this.#window.restart(now, REMEMBERED_SHARE);
			this.#history.clear();
			return;
		}
		const rate = this.rememberedRate === null ? INITIAL_RATE : REMEMBERED_SHARE * this.rememberedRate;
		this.#window = new FlowWindow(rate);
	}

	/** The waiting subscriber that was sent least for its weight; one that had nothing for a while owes nothing. */
	#nextWaiting(): Subscriber | null {
		let next: Subscriber | null = null;
		for (const subscriber of this.#subscribers) {
			if (!subscriber.waiting) continue;
			if (subscriber.turn < this.#turn) subscriber.turn = this.#turn;
			if (!next || subscriber.turn < next.turn) next = subscriber;
		}
		return next;
	}
}
