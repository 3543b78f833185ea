import { decodeAck } from "#shared/ack.ts";
import { ProtocolError } from "#shared/errors.ts";
import { stampDelivery } from "#shared/frame.ts";
import { parseViewerMessage, type ToViewerMessage, type Watch } from "#shared/protocol.ts";
import type { RelayedFrame } from "./camera.ts";
import { Downlink, type FrameWriter } from "./downlink.ts";
import type { Hub } from "./hub.ts";
import { Peer } from "./peer.ts";
import type { Socket } from "./socket.ts";
import { Subscriber } from "./subscriber.ts";

const MAX_MESSAGE_BYTES = 16 * 1024; // a watch list of 64 cameras with the longest ids

/** A page's connection to `/watch`. */
export class Viewer extends Peer {
	readonly #hub: Hub;
	readonly downlink: Downlink;

	constructor(socket: Socket, hub: Hub) {
		super(socket, hub.clock);
		this.#hub = hub;
		this.downlink = new Downlink(new FramePair(socket, hub.clock));
		hub.connected(this);
	}

	override text(text: string): void {
		if (text.length > MAX_MESSAGE_BYTES) return this.close("tooLarge", `text of ${text.length} characters`);
		super.text(text);
	}

	protected greeted(): void {
		this.#hub.addViewer(this);
		this.tellCameras();
	}

	protected ended(): void {
		const now = this.clock();
		for (const subscriber of this.downlink.subscribers) subscriber.end(now);
		this.#hub.disconnected(this);
		this.#hub.removeViewer(this);
	}

	protected take(value: unknown): void {
		const message = parseViewerMessage(value);
		if (message.type === "watch") this.#watch(message.cameras);
	}

	protected takeBinary(message: Uint8Array): void {
		if (message.length > MAX_MESSAGE_BYTES) throw new ProtocolError("binary message too large");
		this.downlink.acked(this.clock(), decodeAck(message));
	}

	/** Tells the page every camera's state. */
	tellCameras(): void {
		this.#tell({ type: "cameras", cameras: this.#hub.statuses });
	}

	/** A camera that left the relay ends its subscriber. */
	forget(subscriber: Subscriber, now: number): void {
		subscriber.end(now);
		this.downlink.remove(subscriber);
	}

	override drained(): void {
		this.downlink.flush(this.clock());
	}

	override tick(now: number): void {
		super.tick(now);
		this.downlink.flush(now);
		if (this.downlink.isStalled(now)) this.close("timeout", "no frame acknowledged for 10 s");
	}

	/** Makes the subscribers what the list says; what cannot be taken is refused and left as it was. */
	#watch(wanted: Watch[]): void {
		const now = this.clock();
		const current = new Map(this.downlink.subscribers.map((one) => [one.camera.id, one]));
		for (const { id, rendition } of wanted) {
			const subscriber = current.get(id);
			current.delete(id);
			const camera = this.#hub.camera(id);
			if (!camera) {
				this.#refuse(id, "unknown-camera", `no camera "${id}"`);
			} else if (subscriber) {
				if (!subscriber.ask(rendition, now)) this.#refuseRendition(id, rendition);
			} else {
				const added = new Subscriber(camera, null, (at) => this.downlink.flush(at));
				if (!added.ask(rendition, now)) this.#refuseRendition(id, rendition);
				this.downlink.add(added);
				added.start(now);
			}
		}
		for (const subscriber of current.values()) this.forget(subscriber, now);
		this.#hub.demandChanged(now);
	}

	#refuseRendition(id: string, rendition: number | null): void {
		this.#refuse(id, "unknown-rendition", `camera "${id}" has no rendition ${rendition}`);
	}

	#refuse(camera: string, reason: "unknown-camera" | "unknown-rendition", message: string): void {
		this.#tell({ type: "refused", camera, reason, message });
	}

	#tell(message: ToViewerMessage): void {
		this.say(message);
	}
}

/** Writes a frame as header and body, stamped for this connection. */
class FramePair implements FrameWriter {
	readonly #socket: Socket;
	readonly #clock: () => number;

	constructor(socket: Socket, clock: () => number) {
		this.#socket = socket;
		this.#clock = clock;
	}

	get bufferedBytes(): number {
		return this.#socket.bufferedBytes;
	}

	write({ headerBytes, headerView, body }: RelayedFrame, delivery: number, isCached: boolean): boolean {
		stampDelivery(headerView, { delivery, sendTime: this.#clock(), isCached });
		let isSent = false;
		this.#socket.cork(() => {
			if (!this.#socket.sendBinary(headerBytes)) return;
			isSent = this.#socket.sendBinary(body);
			// A header without its body would make the next header look like one.
			if (!isSent) this.#socket.close("timeout", "the connection takes no more");
		});
		return isSent;
	}
}
