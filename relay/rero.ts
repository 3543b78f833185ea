import type { CloseReason } from "#shared/close.ts";
import { qualityId } from "#shared/ladder.ts";
import type { Visitor } from "./access/visitor.ts";
import type { RelayedFrame } from "./camera.ts";
import { Downlink, type FrameWriter } from "./delivery/downlink.ts";
import { Subscriber } from "./delivery/subscriber.ts";
import { decideAnew, startTogether } from "./delivery/together.ts";
import type { Hub } from "./hub.ts";
import type { Session, Socket } from "./socket.ts";

const MIN_QUALITY = 30;
const MAX_QUALITY = 95;
const PING_MS = 1_000;
const PAYLOAD_BYTES = 4;
const SILENCE_MS = 10_000; // its clients know no heartbeat; only the WebSocket's own pongs are heard

/** The quality in ReRo-CCTV's path, or null when it is none of 30..95. */
export function reroQuality(text: string): number | null {
	if (!/^\d{1,3}$/.test(text)) return null;
	const quality = Number(text);
	return quality >= MIN_QUALITY && quality <= MAX_QUALITY ? quality : null;
}

/** Words for the close of a connection whose path names no quality. */
export const REFUSED_QUALITY = `quality must be a whole number from ${MIN_QUALITY} to ${MAX_QUALITY}`;

/** What it asks for, what it may see, and how many may see one camera at a time. */
interface ReroRights {
	quality: number;
	visitor: Pick<Visitor, "sees">;
	viewersPerCamera: number;
}

/**
 * A viewer of ReRo-CCTV (`/websocket/{quality}`): bare JPEG messages of the first camera at full size. It sends
 * no acks, so a WebSocket ping follows every frame: its pong, which any client sends by itself, is the ack.
 */
export class ReroViewer implements Session {
	readonly downlink: Downlink;
	readonly #hub: Hub;
	readonly #socket: Socket;
	readonly #quality: number;
	readonly #visitor: Pick<Visitor, "sees">;
	readonly #viewersPerCamera: number;
	readonly #writer: BareWriter;
	#subscriber: Subscriber | null = null;
	#heardTime: number;
	#pingTime: number;

	constructor(socket: Socket, hub: Hub, { quality, visitor, viewersPerCamera }: ReroRights) {
		this.#hub = hub;
		this.#socket = socket;
		this.#quality = quality;
		this.#visitor = visitor;
		this.#viewersPerCamera = viewersPerCamera;
		this.#writer = new BareWriter(socket);
		this.downlink = new Downlink(this.#writer);
		this.#heardTime = hub.clock();
		this.#pingTime = this.#heardTime;
		hub.connected(this);
		hub.addViewer(this);
		this.camerasChanged();
	}

	/** Joins the first camera it may see as soon as there is one that has room. */
	camerasChanged(): void {
		if (this.#subscriber) return;
		const camera = [...this.#hub.cameras].find(({ id }) => this.#visitor.sees(id));
		if (!camera || camera.subscribers.size >= this.#viewersPerCamera) return;
		const now = this.#hub.clock();
		this.#subscriber = new Subscriber(camera, {
			rememberedRate: null,
			wake: (at) => this.downlink.flush(at),
		});
		this.downlink.add(this.#subscriber, now);
		this.#subscriber.ask(
			{
				rendition: qualityId(this.#quality),
				maxLines: null,
				maxFramesPerSecond: null,
				isFocused: false,
				codec: "jpeg",
			},
			now,
		);
		startTogether([this.#subscriber], now);
		this.#hub.demandChanged(now);
	}

	tellCameras(): void {
		this.camerasChanged();
	}

	/** It knows of no move: it dials again. */
	move(): void {
		this.close("restarting", "the relay is restarting");
	}

	forget(subscriber: Subscriber, now: number): void {
		subscriber.end(now);
		this.downlink.remove(subscriber);
		this.#subscriber = null;
	}

	text(): void {} // its viewer says nothing that matters

	binary(): void {}

	pong(payload: Uint8Array): void {
		const now = this.#hub.clock();
		this.#heardTime = now;
		const delivery = this.#writer.answered(payload);
		if (delivery !== null) this.downlink.acked(now, { delivery, headerTime: now, bodyTime: now });
	}

	drained(): void {
		this.downlink.flush(this.#hub.clock());
	}

	tick(now: number): void {
		this.camerasChanged(); // somebody may have left
		this.downlink.flush(now);
		if (now - this.#heardTime > SILENCE_MS || this.downlink.isStalled(now))
			return this.close("timeout", "no pong for 10 s");
		if (now - this.#pingTime < PING_MS) return;
		this.#pingTime = now;
		this.#writer.ping();
	}

	close(reason: CloseReason, words: string): void {
		this.#socket.close(reason, words);
		this.closed();
	}

	closed(): void {
		const now = this.#hub.clock();
		this.#subscriber?.end(now);
		if (this.#subscriber) decideAnew([this.#subscriber.camera], now);
		this.#hub.disconnected(this);
		this.#hub.removeViewer(this);
	}
}

/** Writes the body alone, then a ping that carries its delivery number: the pong repeats it. */
class BareWriter implements FrameWriter {
	readonly #socket: Socket;
	#acknowledged = -1;
	#sent = -1;

	constructor(socket: Socket) {
		this.#socket = socket;
	}

	get bufferedBytes(): number {
		return this.#socket.bufferedBytes;
	}

	write({ body }: RelayedFrame, delivery: number): boolean {
		if (!this.#socket.sendBinary(body)) return false;
		this.#sent = delivery;
		const payload = new Uint8Array(PAYLOAD_BYTES);
		new DataView(payload.buffer).setUint32(0, delivery);
		this.#socket.ping(payload);
		return true;
	}

	/** Asks a viewer that has nothing to acknowledge whether it is still there. */
	ping(): void {
		if (this.#sent === this.#acknowledged) this.#socket.ping(new Uint8Array(0));
	}

	/** The delivery a pong stands for, once; null when it stands for none. */
	answered(payload: Uint8Array): number | null {
		if (payload.length !== PAYLOAD_BYTES) return null;
		const delivery = new DataView(payload.buffer, payload.byteOffset).getUint32(0);
		if (delivery <= this.#acknowledged || delivery > this.#sent) return null;
		this.#acknowledged = delivery;
		return delivery;
	}
}
