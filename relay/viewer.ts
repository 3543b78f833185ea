import { decodeAck } from "#shared/ack.ts";
import { ProtocolError } from "#shared/errors.ts";
import { stampDelivery } from "#shared/frame.ts";
import { parseViewerMessage, type ToViewerMessage, type Watch } from "#shared/protocol.ts";
import type { Visitor } from "./access/visitor.ts";
import type { Camera, RelayedFrame } from "./camera.ts";
import { Downlink, type FrameWriter } from "./delivery/downlink.ts";
import { Subscriber } from "./delivery/subscriber.ts";
import { decideAnew, startTogether } from "./delivery/together.ts";
import { Turnstile } from "./delivery/turnstile.ts";
import type { Hub } from "./hub.ts";
import { Peer } from "./peer.ts";
import type { Socket } from "./socket.ts";

const CHOICE_MS = 100;
const RATE_TELL_MS = 2_000;
const BPS_PER_BYTE_MS = 8_000;
const LISTS = { atOnce: 8, intervalMs: 500 }; // nobody scrolls faster, and each change may start an encoder
const MAX_MESSAGE_BYTES = 16 * 1024; // a watch list of 64 cameras with the longest ids

/** What somebody may see, and how many may see one camera at a time. */
export interface ViewingRights {
	visitor: Pick<Visitor, "sees" | "seesAll">;
	viewersPerCamera: number;
}

/** A page's connection to `/watch`. */
export class Viewer extends Peer {
	readonly #hub: Hub;
	readonly #rights: ViewingRights;
	readonly downlink: Downlink;
	#told: { text: string; rateBps: number | null; time: number } = { text: "[]", rateBps: null, time: 0 };
	#listed = "";
	#choiceTime = 0;
	readonly #lists = new Turnstile(LISTS);
	#waitingList: Watch | null = null; // the newest of those that came too fast

	constructor(socket: Socket, hub: Hub, rights: ViewingRights) {
		super(socket, hub.clock);
		this.#hub = hub;
		this.#rights = rights;
		this.downlink = new Downlink(new FramePair(socket, hub.clock));
		hub.connected(this);
	}

	override text(text: string): void {
		if (text.length > MAX_MESSAGE_BYTES) return this.close("tooLarge", `text of ${text.length} characters`);
		super.text(text);
	}

	protected greeted(): void {
		this.#hub.addViewer(this);
		this.tellCameras(this.#hub.camerasMessage);
	}

	protected ended(): void {
		const now = this.clock();
		const { subscribers } = this.downlink;
		for (const subscriber of subscribers) subscriber.end(now);
		decideAnew(
			subscribers.map(({ camera }) => camera),
			now,
		);
		this.#hub.disconnected(this);
		this.#hub.removeViewer(this);
	}

	protected take(value: unknown): void {
		const message = parseViewerMessage(value);
		if (message.type === "key") return this.#restart(message.camera);
		if (message.type !== "watch") return;
		if (new Set(message.cameras.map(({ id }) => id)).size < message.cameras.length)
			throw new ProtocolError("watch.cameras: an id stands there twice");
		this.#waitingList = message;
		this.#takeList(this.clock());
	}

	protected takeBinary(message: Uint8Array): void {
		if (message.length > MAX_MESSAGE_BYTES) throw new ProtocolError("binary message too large");
		this.downlink.acked(this.clock(), decodeAck(message));
	}

	/** `text` is the message with every camera's state. */
	tellCameras(text: string): void {
		const { visitor } = this.#rights;
		const own = visitor.seesAll ? text : this.#hub.camerasMessageFor((id) => visitor.sees(id));
		if (own === this.#listed) return; // a hidden camera's change must not be felt
		this.#listed = own;
		this.sayText(own);
	}

	move(): void {
		this.#tell({ type: "moving" });
	}

	/** Ends the subscriber, of a camera that left the relay or the list; the caller decides anew. */
	forget(subscriber: Subscriber, now: number): void {
		subscriber.end(now);
		this.downlink.remove(subscriber);
	}

	override drained(): void {
		this.downlink.flush(this.clock());
	}

	override tick(now: number): void {
		super.tick(now);
		this.#takeList(now);
		this.downlink.choose(now);
		this.downlink.flush(now);
		if (now - this.#choiceTime >= CHOICE_MS) {
			this.#choiceTime = now;
			this.#tellChoice(now);
		}
		if (this.downlink.isStalled(now)) this.close("timeout", "no frame acknowledged for 10 s");
	}

	#takeList(now: number): void {
		const list = this.#waitingList;
		if (!list || !this.#lists.passes(now)) return;
		this.#waitingList = null;
		this.#watch(list);
	}

	/** Makes the subscribers what the list says; what cannot be taken is refused and left as it was. */
	#watch({ mode, codecs, rememberedBps, cameras }: Watch): void {
		const now = this.clock();
		this.downlink.mode = mode;
		if (rememberedBps !== null) this.downlink.rememberedRate = rememberedBps / BPS_PER_BYTE_MS;
		const current = new Map(this.downlink.subscribers.map((one) => [one.camera.id, one]));
		const asked: Subscriber[] = [];
		for (const { id, codecs: own, ...settings } of cameras) {
			const codec = (own ?? codecs).includes("h264") ? "h264" : "jpeg";
			// What somebody may not see is not there for them.
			const camera = this.#rights.visitor.sees(id) ? this.#hub.camera(id) : undefined;
			const isFull = !current.has(id) && (camera?.subscribers.size ?? 0) >= this.#rights.viewersPerCamera;
			const subscriber = current.get(id) ?? (camera && !isFull ? this.#join(camera, now) : undefined);
			current.delete(id);
			if (isFull) this.#refuse(id, "full", `camera "${id}" has all the viewers it may have`);
			else if (!subscriber) this.#refuse(id, "unknown-camera", `no camera "${id}"`);
			else if (!subscriber.ask({ ...settings, codec }, now)) this.#refuseRendition(id, settings.rendition);
			if (subscriber) asked.push(subscriber);
		}
		for (const subscriber of current.values()) this.forget(subscriber, now);
		const left = Array.from(current.values(), ({ camera }) => camera);
		startTogether(asked, now, left);
		this.#hub.demandChanged(now);
		this.#tellChoice(now);
	}

	/** The page can go on with a key alone. */
	#restart(id: string): void {
		const subscriber = this.downlink.subscribers.find(({ camera }) => camera.id === id);
		if (subscriber) this.downlink.restart(subscriber, this.clock());
	}

	#join(camera: Camera, now: number): Subscriber {
		const subscriber = new Subscriber(camera, {
			rememberedRate: this.downlink.rememberedRate,
			keyTimes: this.downlink.keyTimes,
			wake: (at) => this.downlink.flush(at),
		});
		this.downlink.add(subscriber, now);
		return subscriber;
	}

	/** Tells the page what it is sent, when that is not what it was told last. */
	#tellChoice(now: number): void {
		const cameras = this.downlink.subscribers.flatMap(({ choice }) => choice ?? []);
		const text = JSON.stringify(cameras);
		const rateBps = this.downlink.rateBps(now);
		const isOld = now - this.#told.time > RATE_TELL_MS && rateBps !== this.#told.rateBps;
		if (text === this.#told.text && !isOld) return;
		this.#told = { text, rateBps, time: now };
		this.#tell({ type: "choice", rateBps, cameras });
	}

	#refuseRendition(id: string, rendition: number | null): void {
		this.#refuse(id, "unknown-rendition", `camera "${id}" has no rendition ${rendition}`);
	}

	#refuse(camera: string, reason: "unknown-camera" | "unknown-rendition" | "full", message: string): void {
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
	#frame: RelayedFrame | null = null;
	#isSent = false;
	// One function for all frames: it runs for every frame of every viewer.
	readonly #sendPair = () => {
		const frame = this.#frame!;
		this.#isSent = this.#socket.sendBinary(frame.headerBytes);
		if (!this.#isSent) return;
		this.#isSent = this.#socket.sendBinary(frame.body);
		// A header without its body would make the next header look like one.
		if (!this.#isSent) this.#socket.close("timeout", "the connection takes no more");
	};

	constructor(socket: Socket, clock: () => number) {
		this.#socket = socket;
		this.#clock = clock;
	}

	get bufferedBytes(): number {
		return this.#socket.bufferedBytes;
	}

	write(frame: RelayedFrame, delivery: number, isCached: boolean): boolean {
		stampDelivery(frame.headerView, { delivery, sendTime: this.#clock(), isCached });
		this.#frame = frame;
		this.#socket.cork(this.#sendPair);
		this.#frame = null;
		return this.#isSent;
	}
}
