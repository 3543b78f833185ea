import { encodeHeader, type FrameHeader, viewOf } from "#shared/frame.ts";
import { type Rendition, renditionsFor } from "#shared/ladder.ts";
import { Camera, type RelayedFrame } from "../../relay/camera.ts";
import { AgentDemand } from "../../relay/delivery/agent-demand.ts";
import { Downlink } from "../../relay/delivery/downlink.ts";
import { Subscriber } from "../../relay/delivery/subscriber.ts";
import { decideAnew, startTogether } from "../../relay/delivery/together.ts";
import type { Settings } from "../../relay/delivery/wish.ts";

const SIZE = { width: 1280, height: 720 };
const RENDITIONS = renditionsFor(SIZE);
const INTERVAL_MS = 1000 / 30;
const TICK_MS = 50;
const AGENT_MS = 15; // the way between agent and relay
const KEY_FACTOR = 6;
const AUTO: Settings = {
	rendition: null,
	maxLines: null,
	maxFramesPerSecond: null,
	isFocused: true,
	codec: "h264",
};

/** Virtual time: what is to happen, in order. */
class Timetable {
	now = 0;
	#events: { time: number; run: () => void }[] = [];

	at(time: number, run: () => void): void {
		const index = this.#events.findIndex((event) => event.time > time);
		this.#events.splice(index < 0 ? this.#events.length : index, 0, { time, run });
	}

	every(intervalMs: number, run: () => void): void {
		const again = () => {
			run();
			this.at(this.now + intervalMs, again);
		};
		this.at(this.now + intervalMs, again);
	}

	runUntil(time: number): void {
		for (let next = this.#events[0]; next && next.time <= time; next = this.#events[0]) {
			this.#events.shift();
			this.now = Math.max(this.now, next.time);
			next.run();
		}
		this.now = time;
	}
}

/**
 * One camera of the relay with an agent that makes exactly what it is told, keys where it is asked, and viewers behind
 * links of any rate; all but sockets and encoders is the relay's own code. Time is virtual.
 */
export class VirtualRelay {
	readonly time = new Timetable();
	readonly camera = new Camera("c", "c", { channel: 1, now: 0 });
	/** Every key asked for. */
	readonly asked: { time: number; rendition: number }[] = [];
	/** Every key made. */
	readonly keys: { time: number; rendition: number }[] = [];
	/** True while the agent makes nothing. */
	isSilent = false;
	readonly #demand = new AgentDemand();
	readonly #renditions: readonly Rendition[];
	#made: readonly number[] = [];
	#isTelling = false;
	#epoch = 1;
	#seq = new Map<number, number>();
	#keysDue = new Set<number>();

	/** `scale`: how much of their nominal bytes frames take. */
	constructor(scale = 1, renditions: readonly Rendition[] = RENDITIONS) {
		this.#renditions = renditions;
		this.camera.agent = {
			shareUplink: (now) => this.camera.allocate(now, null),
			tellSoon: () => {
				if (this.#isTelling) return;
				this.#isTelling = true;
				this.time.at(this.time.now, () => {
					this.#isTelling = false;
					this.#tell();
				});
			},
		};
		this.camera.update(
			{
				id: "c",
				state: "live",
				reason: null,
				detail: null,
				source: { ...SIZE, framesPerSecond: 30 },
				renditions: [...renditions],
			},
			0,
		);
		this.time.every(INTERVAL_MS, () => this.#capture(scale));
		this.time.every(TICK_MS, () => this.#tell());
	}

	/** The encoders start anew. */
	restart(): void {
		this.#epoch++;
		this.#seq.clear();
	}

	/** The renditions the agent makes now. */
	get made(): readonly number[] {
		return this.#made;
	}

	#tell(): void {
		const { now } = this.time;
		for (const message of this.#demand.messages([this.camera], now)) {
			if (message.type === "key") this.asked.push({ time: now, rendition: message.rendition });
			this.time.at(now + AGENT_MS, () => {
				if (message.type === "key") this.#keysDue.add(message.rendition);
				if (message.type !== "demand") return;
				const made = message.cameras[0]?.renditions ?? [];
				for (const id of made) if (!this.#made.includes(id)) this.#keysDue.add(id);
				this.#made = made;
				this.#demand.confirm(message.version);
			});
		}
	}

	#capture(scale: number): void {
		if (this.isSilent) return;
		const captureTime = this.time.now;
		for (const id of this.#made) {
			const rendition = this.#renditions.find((one) => one.id === id);
			if (!rendition) continue;
			const seq = (this.#seq.get(id) ?? -1) + 1;
			this.#seq.set(id, seq);
			const isJpeg = rendition.codec === "jpeg";
			const isKey = isJpeg || this.#keysDue.delete(id) || seq === 0;
			if (isKey && !isJpeg) this.keys.push({ time: captureTime, rendition: id });
			const factor = isKey && !isJpeg ? KEY_FACTOR : 1;
			const bytes = Math.max(1, Math.round(rendition.nominalBytes * factor * scale));
			const header: FrameHeader = {
				channel: 1,
				rendition: id,
				codec: rendition.codec,
				isKey,
				isCached: false,
				epoch: this.#epoch,
				seq,
				delivery: 0,
				bodyBytes: bytes,
				...SIZE,
				captureTime,
				encodeMs: 5,
				relayTime: captureTime + AGENT_MS,
				sendTime: 0,
				config: null,
			};
			this.time.at(header.relayTime, () => this.#arrive(header));
		}
	}

	#arrive(header: FrameHeader): void {
		if (!this.camera.epochs.take(header.epoch, this.time.now)) return;
		const headerBytes = encodeHeader(header);
		const body = new Uint8Array(header.bodyBytes);
		this.camera.publish({ header, headerBytes, headerView: viewOf(headerBytes), body }, this.time.now);
	}
}

/** A viewer behind a link with a queue of its own. */
export class VirtualViewer {
	readonly downlink: Downlink;
	readonly subscriber: Subscriber;
	/** Frames in order of arrival. */
	readonly received: { time: number; header: FrameHeader; isCached: boolean }[] = [];
	/** The longest that anything waited for its turn with newer frames behind it, ms. */
	longestWaitMs = 0;
	refuses = false;
	readonly #relay: VirtualRelay;
	readonly #rate: (time: number) => number;
	readonly #oneWayMs: number;
	#freeTime = 0;
	#isGone = false;

	/** `rate`: bytes per ms that the link carries at an instant, above 0. */
	constructor(
		relay: VirtualRelay,
		{
			rate,
			oneWayMs = 20,
			settings = {},
		}: { rate: (time: number) => number; oneWayMs?: number; settings?: Partial<Settings> },
	) {
		this.#relay = relay;
		this.#rate = rate;
		this.#oneWayMs = oneWayMs;
		this.downlink = new Downlink({
			bufferedBytes: 0,
			write: (frame, delivery, isCached) => this.#write(frame, { delivery, isCached }),
		});
		const wake = (now: number) => this.downlink.flush(now);
		this.subscriber = new Subscriber(relay.camera, { rememberedRate: null, wake });
		const { now } = relay.time;
		this.downlink.add(this.subscriber, now);
		this.subscriber.ask({ ...AUTO, ...settings }, now);
		startTogether([this.subscriber], now);
		relay.time.every(TICK_MS, () => this.#tick());
	}

	ask(settings: Partial<Settings>): void {
		const { now } = this.#relay.time;
		this.subscriber.ask({ ...AUTO, ...settings }, now);
		decideAnew([this.#relay.camera], now);
	}

	leave(): void {
		this.#isGone = true;
		const { now } = this.#relay.time;
		this.subscriber.end(now);
		decideAnew([this.#relay.camera], now);
		this.downlink.remove(this.subscriber);
	}

	#tick(): void {
		if (this.#isGone) return;
		const { now } = this.#relay.time;
		this.downlink.choose(now);
		this.downlink.flush(now);
		this.longestWaitMs = Math.max(this.longestWaitMs, this.subscriber.waitedMs(now));
	}

	#write(
		{ header, body }: RelayedFrame,
		{ delivery, isCached }: { delivery: number; isCached: boolean },
	): boolean {
		if (this.refuses) return false;
		const { time } = this.#relay;
		const startTime = Math.max(time.now, this.#freeTime);
		this.#freeTime = startTime;
		for (let left = body.length; left > 0; left -= this.#rate(this.#freeTime)) this.#freeTime++;
		const headerTime = startTime + this.#oneWayMs;
		const bodyTime = this.#freeTime + this.#oneWayMs;
		time.at(bodyTime, () => this.received.push({ time: bodyTime, header, isCached }));
		time.at(bodyTime + this.#oneWayMs, () => {
			if (!this.#isGone) this.downlink.acked(time.now, { delivery, headerTime, bodyTime });
		});
		return true;
	}
}
