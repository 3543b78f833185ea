import { encodeAck } from "#shared/ack.ts";
import { ProtocolError } from "#shared/errors.ts";
import { decodeHeader, type FrameHeader, MAX_BODY_BYTES, stampRelayTime, viewOf } from "#shared/frame.ts";
import type { Rendition } from "#shared/ladder.ts";
import { Log } from "#shared/log.ts";
import { parseAgentMessage, type ToAgentMessage } from "#shared/protocol.ts";
import type { Camera } from "./camera.ts";
import type { Hub } from "./hub.ts";
import { jpegSize } from "./jpeg-size.ts";
import { Peer } from "./peer.ts";
import type { Socket } from "./socket.ts";

const REPEAT_MS = 1_000; // demand is repeated this often until it is confirmed
const ALLOCATE_MS = 250; // how often it is decided what the agent makes, besides every change of a wish
const BPS_PER_BYTE_MS = 8_000;
const MAX_RUNGS = 12; // the choice of a set looks at every one of 2^n
const MAX_EPOCH_JUMP = 1_000_000; // agents count epochs one by one; a wild one would lock the camera
const REFUSAL_MS = 1_000; // one complaint a second says as much as thirty

const log = new Log("relay");

interface Expected {
	header: FrameHeader;
	headerBytes: Uint8Array;
	headerTime: number;
	camera: Camera;
}

/** An agent's connection to `/publish`: takes its frames, tells it the demand. */
export class Publisher extends Peer {
	/** Of the running agent behind it; empty until it has said `publish`. */
	instance = "";
	/** It publishes to the next relay too, or has gone. */
	hasMoved = false;
	readonly #hub: Hub;
	#cameras = new Map<number, Camera>(); // by channel
	#expected: Expected | null = null;
	#demand = { version: 0, text: "", sentTime: 0, isConfirmed: true };
	#uplinkRate: number | null = null; // bytes per ms
	#allocateTime = 0;
	#refusalTime = Number.NEGATIVE_INFINITY;

	constructor(socket: Socket, hub: Hub) {
		super(socket, hub.clock);
		this.#hub = hub;
		hub.connected(this);
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
				return this.#allocate(now);
			case "have":
				if (message.version === this.#demand.version) this.#demand.isConfirmed = true;
				return;
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

	/** Sends the demand when it changed, and again while it is unconfirmed. */
	tellDemand(now: number): void {
		const cameras = [...this.#cameras.values()]
			.map((camera) => ({ id: camera.id, renditions: camera.demand.renditions(now) }))
			.filter(({ renditions }) => renditions.length > 0);
		const text = JSON.stringify(cameras);
		const isNew = text !== this.#demand.text;
		if (!isNew && (this.#demand.isConfirmed || now - this.#demand.sentTime < REPEAT_MS)) return;
		const version = isNew ? this.#demand.version + 1 : this.#demand.version;
		this.#demand = { version, text, sentTime: now, isConfirmed: false };
		this.#tell({ type: "demand", version, cameras });
	}

	override tick(now: number): void {
		super.tick(now);
		if (!this.instance) return;
		if (now - this.#allocateTime >= ALLOCATE_MS) this.#allocate(now);
		this.tellDemand(now);
	}

	/** Gives each camera its part of the uplink, by what its viewers want. */
	#allocate(now: number): void {
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
		const holders = new Set<Publisher>();
		for (const { id } of wanted) {
			const holder = this.#hub.publisherOf(id);
			if (!holder || holder === this) continue;
			if (holder.instance !== instance) {
				log.warn("refused a second agent for a camera", { camera: id });
				return this.close("cameraTaken", `another agent publishes camera "${id}"`);
			}
			holders.add(holder);
		}
		for (const holder of holders) {
			// The same agent's older connection: what it had and this one has not is gone.
			const gone = [...holder.cameras].filter(({ id }) => !ids.has(id));
			holder.#cameras = new Map();
			holder.close("replaced", "a newer connection of this agent took over");
			for (const camera of gone) this.#hub.remove(camera);
		}
		this.instance = instance;
		const before = this.#cameras;
		this.#cameras = new Map();
		for (const { id, name } of wanted) {
			const camera = this.#hub.adopt(id, name);
			this.#cameras.set(camera.channel, camera);
			camera.shareUplink = (at) => this.#allocate(at);
		}
		for (const [channel, camera] of before) if (!this.#cameras.has(channel)) this.#hub.remove(camera);
		log.info("agent publishes", { cameras: [...ids].join(" ") });
		this.#tell({
			type: "channels",
			cameras: [...this.#cameras.values()].map(({ id, channel, epoch }) => ({ id, channel, epoch })),
		});
		this.#demand = { version: this.#demand.version, text: "", sentTime: 0, isConfirmed: true };
		const now = this.clock();
		this.#hub.camerasChanged(now);
		this.tellDemand(now);
	}

	#frame({ header, headerBytes, headerTime, camera }: Expected, body: Uint8Array, now: number): void {
		if (body.length !== header.bodyBytes)
			throw new ProtocolError(`body: expected ${header.bodyBytes} bytes, got ${body.length}`);
		this.socket.sendBinary(encodeAck({ delivery: header.delivery, headerTime, bodyTime: now }));
		const fault = faultOf(header, body, camera);
		if (fault) return this.#refuse(camera, fault);
		if (header.epoch < camera.epoch) return; // of encoders that are gone
		camera.epoch = header.epoch;
		const headerView = viewOf(headerBytes);
		stampRelayTime(headerView, now);
		camera.publish({ header: { ...header, relayTime: now }, headerBytes, headerView, body }, now);
	}

	#refuse(camera: Camera, fault: NonNullable<ReturnType<typeof faultOf>>): void {
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

/** What is wrong with a frame, or null. */
function faultOf(
	header: FrameHeader,
	body: Uint8Array,
	camera: Camera,
): { reason: "frame-too-large" | "bad-frame"; message: string } | null {
	if (body.length > MAX_BODY_BYTES)
		return {
			reason: "frame-too-large",
			message: `frame of ${body.length} bytes, at most ${MAX_BODY_BYTES} are taken`,
		};
	if (header.codec !== "jpeg")
		return { reason: "bad-frame", message: `codec ${header.codec} is not offered` };
	const rendition = camera.renditions.find(({ id }) => id === header.rendition);
	if (!rendition) return { reason: "bad-frame", message: `rendition ${header.rendition} is not offered` };
	if (header.width > rendition.width || header.height > rendition.height)
		return {
			reason: "bad-frame",
			message: `${header.width}x${header.height} in a rendition of ${rendition.width}x${rendition.height}`,
		};
	if (header.epoch > camera.epoch + MAX_EPOCH_JUMP)
		return { reason: "bad-frame", message: `epoch ${header.epoch} after ${camera.epoch}` };
	const size = jpegSize(body);
	if (!size) return { reason: "bad-frame", message: "body is not a whole JPEG" };
	if (size.width !== header.width || size.height !== header.height)
		return {
			reason: "bad-frame",
			message: `JPEG of ${size.width}x${size.height}, its header says ${header.width}x${header.height}`,
		};
	return null;
}

/** The ladder's rungs must be 0, 1, 2 ..., cheapest first, and every id stand there once; throws ProtocolError. */
function checkRenditions(renditions: readonly Rendition[]): void {
	const ladder = renditions.filter(({ offer }) => offer === "ladder");
	const isInOrder = ladder.every(({ id }, i) => id === i);
	if (!isInOrder || ladder.length > MAX_RUNGS)
		throw new ProtocolError(
			`camera.renditions: the ladder's ids must be 0 to at most ${MAX_RUNGS - 1}, in order`,
		);
	if (new Set(renditions.map(({ id }) => id)).size < renditions.length)
		throw new ProtocolError("camera.renditions: an id stands there twice");
}
