import { encodeAck } from "#shared/ack.ts";
import { ProtocolError } from "#shared/errors.ts";
import { decodeHeader, type FrameHeader, stampRelayTime, viewOf } from "#shared/frame.ts";
import { Log } from "#shared/log.ts";
import { parseAgentMessage, type ToAgentMessage } from "#shared/protocol.ts";
import { OPEN_RIGHTS, type PublishRights } from "./access/publish-rights.ts";
import type { Camera, CameraAgent } from "./camera.ts";
import { AgentDemand } from "./delivery/agent-demand.ts";
import { checkRenditions, type Fault, faultOf } from "./frame-check.ts";
import type { Hub } from "./hub.ts";
import { Peer } from "./peer.ts";
import type { Socket } from "./socket.ts";

const ALLOCATE_MS = 250; // how often it is decided what the agent makes, besides every change of a wish
const BPS_PER_BYTE_MS = 8_000;
const REFUSAL_MS = 1_000; // one complaint a second says as much as thirty

const log = new Log("relay");

interface Expected {
	header: FrameHeader;
	headerBytes: Uint8Array;
	headerTime: number;
	camera: Camera;
}

/** An agent's connection to `/publish`: takes its frames, tells it the demand. */
export class Publisher extends Peer implements CameraAgent {
	/** Of the running agent behind it; empty until it has said `publish`. */
	instance = "";
	/** It publishes to the next relay too, or has gone. */
	hasMoved = false;
	readonly #hub: Hub;
	readonly #rights: PublishRights;
	#cameras = new Map<number, Camera>(); // by channel
	#expected: Expected | null = null;
	readonly #demand = new AgentDemand();
	#isTelling = false;
	#uplinkRate: number | null = null; // bytes per ms
	#allocateTime = 0;
	#refusalTime = Number.NEGATIVE_INFINITY;

	constructor(socket: Socket, hub: Hub, rights: PublishRights = OPEN_RIGHTS) {
		super(socket, hub.clock);
		this.#hub = hub;
		this.#rights = rights;
		hub.connected(this);
	}

	/** What the agent's uplink carries, bits per second; null until it has told. */
	get uplinkBps(): number | null {
		return this.#uplinkRate === null ? null : this.#uplinkRate * BPS_PER_BYTE_MS;
	}

	/** The cameras it publishes. */
	get cameras(): Iterable<Camera> {
		return this.#cameras.values();
	}

	/** Asks it to publish to the relay that takes this one's place. */
	move(): void {
		this.#tell({ type: "moving" });
	}

	protected greeted(): void {
		this.#hub.addPublisher(this);
	}

	protected ended(): void {
		this.hasMoved = true;
		this.#hub.disconnected(this);
		this.#hub.removePublisher(this);
	}

	protected take(value: unknown): void {
		const message = parseAgentMessage(value);
		const now = this.clock();
		switch (message.type) {
			case "publish":
				return this.#publish(message.instance, message.cameras);
			case "camera": {
				const { type: _, ...state } = message;
				checkRenditions(state.renditions);
				this.#cameraById(state.id).update(state, now);
				return this.#hub.camerasChanged(now);
			}
			case "uplink":
				this.#uplinkRate = message.rateBps / BPS_PER_BYTE_MS;
				return this.shareUplink(now);
			case "have":
				return this.#demand.confirm(message.version);
			case "moved":
				this.hasMoved = true;
				return;
			case "stats":
				for (const stats of message.cameras) this.#cameraById(stats.id).agentStats = stats;
		}
	}

	protected override get bodyBytes(): number {
		return this.#expected?.header.bodyBytes ?? 0;
	}

	protected takeBinary(message: Uint8Array): void {
		const now = this.clock();
		if (this.#expected) {
			const expected = this.#expected;
			this.#expected = null;
			return this.#frame(expected, message, now);
		}
		const header = decodeHeader(message);
		const camera = this.#cameras.get(header.channel);
		if (!camera)
			throw new ProtocolError(`frame header.channel: ${header.channel} is not one of this agent's`);
		this.#expected = { header, headerBytes: message, headerTime: now, camera };
	}

	/** Tells what is demanded and which keys are wanted, as far as the agent does not know. */
	tellDemand(now: number): void {
		for (const message of this.#demand.messages([...this.#cameras.values()], now)) this.#tell(message);
	}

	tellSoon(): void {
		if (this.#isTelling) return;
		this.#isTelling = true;
		queueMicrotask(() => {
			this.#isTelling = false;
			this.tellDemand(this.clock());
		});
	}

	override tick(now: number): void {
		super.tick(now);
		if (!this.instance) return;
		if (now - this.#allocateTime >= ALLOCATE_MS) this.shareUplink(now);
		this.tellDemand(now);
	}

	/** Gives each camera its part of the uplink, by what its viewers want. */
	shareUplink(now: number): void {
		this.#allocateTime = now;
		const rate = this.#uplinkRate;
		const costs = new Map([...this.#cameras.values()].map((camera) => [camera, camera.wantedCost(now)]));
		const total = [...costs.values()].reduce((sum, cost) => sum + cost, 0);
		for (const [camera, cost] of costs)
			camera.allocate(now, rate === null || cost === 0 ? null : (rate * cost) / total);
	}

	#publish(instance: string, wanted: { id: string; name: string }[]): void {
		const ids = new Set(wanted.map(({ id }) => id));
		if (ids.size < wanted.length) throw new ProtocolError("publish.cameras: an id stands there twice");
		const locked = wanted.find(({ id }) => !this.#rights.opens(id));
		if (locked) return this.close("badKey", `this key is not for camera "${locked.id}"`);
		const holders = new Set<Publisher>();
		for (const { id } of wanted) {
			const holder = this.#hub.publisherOf(id);
			if (!holder || holder === this) continue;
			if (!holders.has(holder) && !this.#maySupplant(holder, instance)) {
				log.warn("refused a second agent for a camera", { camera: id });
				return this.close("cameraTaken", `another agent publishes camera "${id}"`);
			}
			holders.add(holder);
		}
		for (const holder of holders) {
			if (holder.instance !== instance) log.warn("another agent took over", { cameras: [...ids].join(" ") });
			// The same agent's older connection: what it had and this one has not is gone.
			const gone = [...holder.cameras].filter(({ id }) => !ids.has(id));
			holder.#cameras = new Map();
			holder.close("replaced", "a newer connection took over");
			for (const camera of gone) this.#hub.remove(camera);
		}
		this.instance = instance;
		const before = this.#cameras;
		this.#cameras = new Map();
		for (const { id, name } of wanted) {
			const camera = this.#hub.adopt(id, name);
			this.#cameras.set(camera.channel, camera);
			camera.agent = this;
		}
		for (const [channel, camera] of before) if (!this.#cameras.has(channel)) this.#hub.remove(camera);
		log.info("agent publishes", { cameras: [...ids].join(" ") });
		this.#tell({
			type: "channels",
			cameras: [...this.#cameras.values()].map(({ id, channel, epochs }) => ({
				id,
				channel,
				epoch: epochs.newest,
			})),
		});
		this.#demand.reset();
		const now = this.clock();
		this.#hub.camerasChanged(now);
		this.tellDemand(now);
	}

	/**
	 * Whether this connection may end an older one: one whose cameras it all has the keys of. Its own agent's always;
	 * of two agents the newest with keys wins, but not for ever to and fro.
	 */
	#maySupplant(holder: Publisher, instance: string): boolean {
		const ids = [...holder.cameras].map(({ id }) => id);
		if (!ids.every((id) => this.#rights.opens(id))) return false;
		if (holder.instance === instance) return true;
		return this.#rights.isKeyed && ids.every((id) => this.#hub.takeovers.allow(id, this.clock()));
	}

	#frame({ header, headerBytes, headerTime, camera }: Expected, body: Uint8Array, now: number): void {
		if (body.length !== header.bodyBytes)
			throw new ProtocolError(`body: expected ${header.bodyBytes} bytes, got ${body.length}`);
		this.socket.sendBinary(encodeAck({ delivery: header.delivery, headerTime, bodyTime: now }));
		const fault = faultOf(header, body, {
			renditions: camera.renditions,
			maxEpoch: camera.epochs.greatest(now),
		});
		if (fault) return this.#refuse(camera, fault);
		if (!camera.epochs.take(header.epoch, now)) return;
		const headerView = viewOf(headerBytes);
		stampRelayTime(headerView, now);
		camera.publish({ header: { ...header, relayTime: now }, headerBytes, headerView, body }, now);
	}

	#refuse(camera: Camera, fault: Fault): void {
		camera.received.refused++;
		const now = this.clock();
		if (now - this.#refusalTime < REFUSAL_MS) return;
		this.#refusalTime = now;
		log.warn("refused a frame", { camera: camera.id, why: fault.message });
		this.#tell({ type: "refused", camera: camera.id, ...fault });
	}

	#cameraById(id: string): Camera {
		for (const camera of this.#cameras.values()) if (camera.id === id) return camera;
		throw new ProtocolError(`camera "${id}" is not one of this agent's`);
	}

	#tell(message: ToAgentMessage): void {
		this.say(message);
	}
}
