import type { Codec, FrameHeader } from "#shared/frame.ts";
import { ladderOf, type Rendition } from "#shared/ladder.ts";
import type { AgentStats, CameraState, CameraStatus } from "#shared/protocol.ts";
import { pictureValue } from "./delivery/allocation.ts";
import { CameraDemand } from "./delivery/demand.ts";
import { KeyRequests } from "./delivery/key-requests.ts";
import { COMFORT, type Offered, RenditionSet } from "./delivery/rendition-set.ts";
import { SceneSize } from "./delivery/scene-size.ts";
import type { Subscriber } from "./delivery/subscriber.ts";
import { decideAnew } from "./delivery/together.ts";
import { ViewerLadder } from "./delivery/viewer-ladder.ts";
import { Epochs } from "./epochs.ts";
import { Traffic } from "./traffic.ts";

/** A frame on its way through the relay. The arrays are shared by every receiver; nobody changes the body. */
export interface RelayedFrame {
	header: FrameHeader;
	/** The header message; its per-connection fields are stamped anew before each send. */
	headerBytes: Uint8Array;
	headerView: DataView;
	body: Uint8Array;
}

const MAX_ON_REQUEST = 2; // full-size renditions made by name at a time: each costs as much as the whole ladder
const DEFAULT_INTERVAL_MS = 1000 / 30; // until the agent has told the source's rate

/** What a camera needs of the agent's connection. */
export interface CameraAgent {
	/** Shares its uplink among its cameras anew. */
	shareUplink(now: number): void;
	/** Tells it, when this turn of the event loop is over, what is demanded and which keys are wanted. */
	tellSoon(): void;
}

/** One camera as the relay knows it: who watches it, its newest frames, its state in the agent's words. */
export class Camera {
	readonly id: string;
	readonly channel: number;
	readonly demand = new CameraDemand();
	readonly epochs = new Epochs();
	readonly keys = new KeyRequests();
	readonly subscribers = new Set<Subscriber>();
	readonly received = { frames: 0, bytes: 0, refused: 0 };
	readonly traffic = new Traffic();
	name: string;
	/** The agent's counters as last told; null before. */
	agentStats: AgentStats | null = null;
	/** Why a viewer would get less than its wish. */
	shortage: "uplink" | "encoder" = "encoder";
	/** null while no agent is there. */
	agent: CameraAgent | null = null;
	/** Rungs of all ladders, the cheapest of each first; empty while the camera has told none. */
	#offered: readonly Rendition[] = [];
	#ladders: Record<Codec, ViewerLadder>;
	#state: CameraState;
	#since: number;
	#newest = new Map<number, RelayedFrame>(); // one per rendition
	readonly #scene = new SceneSize();
	readonly #set = new RenditionSet();

	constructor(id: string, name: string, { channel, now }: { channel: number; now: number }) {
		this.id = id;
		this.name = name;
		this.channel = channel;
		this.#since = now;
		this.#state = { id, state: "connecting", reason: "opening", detail: null, source: null, renditions: [] };
		this.#ladders = this.#laddersOf([]);
	}

	/** What viewers are told. */
	get status(): CameraStatus {
		return { ...this.#state, name: this.name, channel: this.channel, since: this.#since };
	}

	get isLive(): boolean {
		return this.#state.state === "live";
	}

	get renditions(): readonly Rendition[] {
		return this.#state.renditions;
	}

	/** The source's frame interval, ms. */
	get intervalMs(): number {
		const framesPerSecond = this.#state.source?.framesPerSecond;
		return framesPerSecond ? 1000 / framesPerSecond : DEFAULT_INTERVAL_MS;
	}

	/** The rungs a viewer is moved among that decodes `codec` and JPEG. */
	ladderFor(codec: Codec): ViewerLadder {
		return this.#ladders[codec];
	}

	/** Takes the agent's word; whoever watched a rendition that is gone gets the nearest. */
	update(state: CameraState, now: number): void {
		if (state.state !== this.#state.state || state.reason !== this.#state.reason) this.#since = now;
		// An agent that lost its source no longer knows the size: the picture on screen still has it.
		const isUnknown = state.source === null && state.renditions.length === 0;
		const { source, renditions } = isUnknown ? this.#state : state;
		this.#state = { ...state, source, renditions };
		this.#offered = [...ladderOf(renditions, "jpeg"), ...ladderOf(renditions, "h264")];
		this.#ladders = this.#laddersOf(renditions);
		for (const subscriber of this.subscribers) subscriber.ladderChanged(now);
		decideAnew([this], now);
	}

	/** The agent's connection ended. */
	agentGone(now: number): void {
		this.agent = null;
		this.update({ ...this.#state, state: "offline", reason: "agent-gone", detail: null }, now);
	}

	/** Hands the newest frame to everybody who watches its rendition. */
	publish(frame: RelayedFrame, now: number): void {
		this.received.frames++;
		this.received.bytes += frame.body.length;
		this.traffic.encoding.add(frame.header.encodeMs);
		const { rendition: id, isKey } = frame.header;
		const rendition = this.#state.renditions.find((one) => one.id === id);
		if (rendition) this.#scene.add(rendition, { bytes: frame.body.length, isKey }, now);
		if (isKey) this.keys.arrived(id);
		// Kept for joiners: one frame of each rendition that is watched, and the very newest; as long as it is not only
		// decodable alone, but the rest can be decoded after it.
		for (const kept of this.#newest.keys()) if (this.demand.countOf(kept) === 0) this.#newest.delete(kept);
		if (isKey) this.#newest.set(id, frame);
		else this.#newest.delete(id);
		for (const subscriber of this.subscribers) subscriber.offer(frame, now);
	}

	/** Asks for a key of this rendition; false when its frames are all keys, or it is not known. */
	askKey(id: number): boolean {
		const rendition = this.#state.renditions.find((one) => one.id === id);
		if (!rendition || rendition.codec === "jpeg") return false;
		this.keys.want(id);
		this.agent?.tellSoon();
		return true;
	}

	/** The newest frame of this rendition, else the smallest JPEG; null where there is none to begin with. */
	cached(rendition: number): RelayedFrame | null {
		const own = this.#newest.get(rendition);
		if (own) return own;
		const kept = [...this.#newest.values()].filter(({ header }) => header.codec === "jpeg");
		return kept.sort((a, b) => a.body.length - b.body.length)[0] ?? null;
	}

	/** The rendition nearest to `id`: that one, else the best rung below; null while the camera has told none. */
	nearest(id: number): Rendition | null {
		const same = this.#state.renditions.find((rendition) => rendition.id === id);
		return same ?? this.#offered.findLast((rung) => rung.id <= id) ?? this.#offered[0] ?? null;
	}

	/** Bytes per ms of everything its viewers would take if nothing limited the uplink. */
	wantedCost(now: number): number {
		const wanted = new Set([...this.subscribers].map(({ wish }) => wish).filter((wish) => wish !== null));
		let cost = 0;
		for (const rendition of wanted) cost += this.#costOf(rendition, now);
		return cost;
	}

	/**
	 * Decides which renditions the agent makes, and who gets which of them. `budget`: bytes per ms of the agent's
	 * uplink that are this camera's, null when it is not known to be a limit.
	 */
	allocate(now: number, budget: number | null): void {
		let left = budget;
		const offered: Offered[] = this.#offered.map((rung, i) => ({
			viewers: 0,
			cost: this.#costOf(rung, now),
			value: pictureValue(rung.ssim),
			isLowest: rung.codec !== this.#offered[i - 1]?.codec,
		}));
		const requests = new Map<Rendition, number>();
		for (const { wish } of this.subscribers) {
			const rung = wish?.offer === "ladder" ? offered[this.#offered.indexOf(wish)] : undefined;
			if (rung) rung.viewers++;
			else if (wish) requests.set(wish, (requests.get(wish) ?? 0) + 1);
		}
		// What was asked for by name comes first, the most wanted of it; the ladder shares what is left.
		const made = [...requests].sort((a, b) => b[1] - a[1] || a[0].id - b[0].id).slice(0, MAX_ON_REQUEST);
		const onRequest = made.map(([rendition]) => rendition);
		if (left !== null) for (const rendition of onRequest) left -= this.#costOf(rendition, now);
		const set = this.#set.update(now, offered, left === null ? null : Math.max(0, left));
		this.shortage = budget !== null && this.wantedCost(now) > COMFORT * budget ? "uplink" : "encoder";
		for (const subscriber of this.subscribers)
			subscriber.serve(this.#bestFor(subscriber.wish, set, onRequest), now);
	}

	/** The best rung of the set and the wish's ladder not above the wish, else the lowest; of those by name the nearest. */
	#bestFor(wish: Rendition | null, set: number, onRequest: readonly Rendition[]): Rendition | null {
		if (wish === null) return null;
		if (wish.offer === "request")
			return onRequest.toSorted((a, b) => Math.abs(a.id - wish.id) - Math.abs(b.id - wish.id))[0] ?? wish;
		const made = this.#offered.filter(({ codec }, i) => codec === wish.codec && (set >> i) & 1);
		return made.findLast(({ id }) => id <= wish.id) ?? made[0] ?? wish;
	}

	#costOf(rendition: Rendition, now: number): number {
		return this.#scene.bytesOf(rendition, now, this.intervalMs) / this.intervalMs;
	}

	#laddersOf(renditions: readonly Rendition[]): Record<Codec, ViewerLadder> {
		const sizeOf = (rendition: Rendition, now: number) => ({
			bytes: this.#scene.bytesOf(rendition, now, this.intervalMs),
			keyBytes: this.#scene.keyBytesOf(rendition, now, this.intervalMs),
		});
		return {
			jpeg: new ViewerLadder(renditions, "jpeg", sizeOf),
			h264: new ViewerLadder(renditions, "h264", sizeOf),
		};
	}
}
