import type { FrameHeader } from "#shared/frame.ts";
import type { Rendition } from "#shared/ladder.ts";
import type { AgentStats, CameraState, CameraStatus } from "#shared/protocol.ts";
import { CameraDemand } from "./demand.ts";
import type { Subscriber } from "./subscriber.ts";

/** A frame on its way through the relay. The arrays are shared by every receiver; nobody changes the body. */
export interface RelayedFrame {
	header: FrameHeader;
	/** The header message; its per-connection fields are stamped anew before each send. */
	headerBytes: Uint8Array;
	headerView: DataView;
	body: Uint8Array;
}

const DEFAULT_INTERVAL_MS = 1000 / 30; // until the agent has told the source's rate
const START_BYTES = 60_000; // "the relay decides" begins at the best rung whose average frame is below this

/** One camera as the relay knows it: who watches it, its newest frames, its state in the agent's words. */
export class Camera {
	readonly id: string;
	readonly channel: number;
	readonly demand = new CameraDemand();
	readonly subscribers = new Set<Subscriber>();
	readonly received = { frames: 0, bytes: 0, refused: 0 };
	name: string;
	/** The agent's counters as last told; null before. */
	agentStats: AgentStats | null = null;
	/** Newest epoch seen, over all agents. */
	epoch = 0;
	#state: CameraState;
	#since: number;
	#newest = new Map<number, RelayedFrame>(); // one per rendition
	#newestRendition = -1;

	constructor(id: string, name: string, { channel, now }: { channel: number; now: number }) {
		this.id = id;
		this.name = name;
		this.channel = channel;
		this.#since = now;
		this.#state = {
			id,
			state: "connecting",
			reason: "opening",
			detail: null,
			source: null,
			renditions: [],
		};
	}

	/** What viewers are told. */
	get status(): CameraStatus {
		return { ...this.#state, name: this.name, channel: this.channel, since: this.#since };
	}

	get renditions(): readonly Rendition[] {
		return this.#state.renditions;
	}

	/** The source's frame interval, ms. */
	get intervalMs(): number {
		const framesPerSecond = this.#state.source?.framesPerSecond;
		return framesPerSecond ? 1000 / framesPerSecond : DEFAULT_INTERVAL_MS;
	}

	/** Takes the agent's word; renditions that are gone are replaced by the nearest for whoever watched them. */
	update(state: CameraState, now: number): void {
		if (state.state !== this.#state.state || state.reason !== this.#state.reason) this.#since = now;
		// An agent that lost its source no longer knows the size: the picture on screen still has it.
		const known = state.source === null && state.renditions.length === 0;
		this.#state = known
			? { ...state, source: this.#state.source, renditions: this.#state.renditions }
			: state;
		for (const subscriber of this.subscribers) subscriber.renditionsChanged(now);
	}

	/** The agent's connection ended. */
	agentGone(now: number): void {
		this.update({ ...this.#state, state: "offline", reason: "agent-gone", detail: null }, now);
	}

	/** Hands the newest frame to everybody who watches its rendition. */
	publish(frame: RelayedFrame, now: number): void {
		this.received.frames++;
		this.received.bytes += frame.body.length;
		const { rendition } = frame.header;
		// Kept for joiners: one frame of each rendition that is watched, and the very newest.
		for (const kept of this.#newest.keys()) if (this.demand.countOf(kept) === 0) this.#newest.delete(kept);
		this.#newest.set(rendition, frame);
		this.#newestRendition = rendition;
		for (const subscriber of this.subscribers) subscriber.offer(frame, now);
	}

	/** The newest frame there is, of this rendition if possible; null before the first. */
	cached(rendition: number): RelayedFrame | null {
		return this.#newest.get(rendition) ?? this.#newest.get(this.#newestRendition) ?? null;
	}

	/**
	 * The rendition to send to somebody who asks for `asked` (null: no wish): that one, else the nearest rung below;
	 * null while the camera has told none.
	 */
	resolve(asked: number | null): number | null {
		if (asked !== null && this.#state.renditions.some(({ id }) => id === asked)) return asked;
		const ladder = this.#state.renditions.filter(({ offer }) => offer === "ladder");
		const fits = ladder.filter((rung) =>
			asked === null ? rung.nominalBytes <= START_BYTES : rung.id <= asked,
		);
		return (fits.at(-1) ?? ladder[0])?.id ?? null;
	}
}
