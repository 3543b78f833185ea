import { localNow } from "#shared/clock.ts";
import type { CloseReason } from "#shared/close.ts";
import { Log } from "#shared/log.ts";
import type { CameraStatus, ToViewerMessage } from "#shared/protocol.ts";
import { Takeovers } from "./access/publish-rights.ts";
import { Camera } from "./camera.ts";
import type { Downlink } from "./delivery/downlink.ts";
import type { Subscriber } from "./delivery/subscriber.ts";
import { noteFault } from "./faults.ts";
import type { Publisher } from "./publisher.ts";

const MAX_KNOWN_CAMERAS = 1_024; // offline ones beyond it are forgotten, longest gone first
const MAX_CHANNEL = 65_535;
const TELL_MS = 100; // between two lists of cameras: an agent that talks too much must not fill its viewers' links

/** Any connection, introduced or not. */
export interface Connection {
	/** Called every 50 ms. */
	tick(now: number): void;
	close(reason: CloseReason, words: string): void;
}

/** A peer that can be told to go to the relay that takes this one's place. */
export interface Moving {
	move(): void;
}

/** A connection that watches, of either protocol. */
export interface Watching extends Connection, Moving {
	readonly downlink: Downlink;
	/** Some camera's state or the list changed; `text` is the message that says so. */
	tellCameras(text: string): void;
	forget(subscriber: Subscriber, now: number): void;
}

const log = new Log("relay");

/** Knows every camera, agent and viewer, and nothing of what is in a frame. */
export class Hub {
	/** The relay's clock, ms since the Unix epoch; frame headers are in it. */
	readonly clock: () => number;
	/** Called when some camera's state or the list may have changed, once per turn of the event loop. */
	readonly listeners = new Set<() => void>();
	#cameras = new Map<string, Camera>();
	#connections = new Set<Connection>();
	#publishers = new Set<Publisher>();
	#viewers = new Set<Watching>();
	/** Of cameras from one agent to another. */
	readonly takeovers = new Takeovers();
	#nextChannel = 1;
	#isTelling = false;
	#isNotifying = false;
	#isUntold = false; // something changed too soon after the last list
	#toldTime = Number.NEGATIVE_INFINITY;
	#told = "";

	constructor(clock: () => number = localNow) {
		this.clock = clock;
	}

	get cameras(): Iterable<Camera> {
		return this.#cameras.values();
	}

	get statuses(): CameraStatus[] {
		return [...this.#cameras.values()].map((camera) => camera.status);
	}

	/** The message that tells a page every camera, as text: made once for all pages. */
	get camerasMessage(): string {
		const message: ToViewerMessage = { type: "cameras", cameras: this.statuses };
		return JSON.stringify(message);
	}

	get publishers(): ReadonlySet<Publisher> {
		return this.#publishers;
	}

	/** The same for somebody who may not see every camera. */
	camerasMessageFor(sees: (id: string) => boolean): string {
		const message: ToViewerMessage = { type: "cameras", cameras: this.statuses.filter(({ id }) => sees(id)) };
		return JSON.stringify(message);
	}

	get viewers(): ReadonlySet<Watching> {
		return this.#viewers;
	}

	camera(id: string): Camera | undefined {
		return this.#cameras.get(id);
	}

	publisherOf(cameraId: string): Publisher | undefined {
		for (const publisher of this.#publishers)
			for (const camera of publisher.cameras) if (camera.id === cameraId) return publisher;
		return undefined;
	}

	connected(connection: Connection): void {
		this.#connections.add(connection);
	}

	disconnected(connection: Connection): void {
		this.#connections.delete(connection);
	}

	addPublisher(publisher: Publisher): void {
		this.#publishers.add(publisher);
	}

	removePublisher(publisher: Publisher): void {
		if (!this.#publishers.delete(publisher)) return;
		const now = this.clock();
		for (const camera of publisher.cameras) {
			log.warn("agent gone", { camera: camera.id });
			camera.agentGone(now);
		}
		this.camerasChanged(now);
	}

	addViewer(viewer: Watching): void {
		this.#viewers.add(viewer);
	}

	removeViewer(viewer: Watching): void {
		if (this.#viewers.delete(viewer)) this.demandChanged(this.clock());
	}

	/** The camera of this id, which from now on is the calling publisher's. */
	adopt(id: string, name: string): Camera {
		const now = this.clock();
		let camera = this.#cameras.get(id);
		if (!camera) {
			this.#forgetOldest();
			camera = new Camera(id, name, { channel: this.#takeChannel(), now });
			this.#cameras.set(id, camera);
		}
		camera.name = name;
		return camera;
	}

	/** A camera that its agent no longer has. */
	remove(camera: Camera): void {
		const now = this.clock();
		this.#cameras.delete(camera.id);
		for (const viewer of this.#viewers)
			for (const subscriber of [...viewer.downlink.subscribers])
				if (subscriber.camera === camera) viewer.forget(subscriber, now);
		this.camerasChanged(now);
	}

	/** Tells all viewers when this turn of the event loop is over, but less than 100 ms after the last list with a later tick. */
	camerasChanged(now: number): void {
		this.demandChanged(now);
		this.#isUntold = true;
		this.#tellSoon(now);
		if (this.#isNotifying) return;
		this.#isNotifying = true;
		queueMicrotask(() => {
			this.#isNotifying = false;
			for (const listener of this.listeners) listener();
		});
	}

	/** Tells the agents at once what is watched now. */
	demandChanged(now: number): void {
		for (const publisher of this.#publishers) if (publisher.instance) publisher.tellDemand(now);
	}

	/** Call every 50 ms: frames that waited, lingers, heartbeats. */
	tick(): void {
		const now = this.clock();
		this.#tellSoon(now);
		for (const connection of [...this.#connections]) guarded(connection, () => connection.tick(now));
	}

	/** Ends every connection. */
	close(reason: CloseReason, words: string): void {
		for (const connection of [...this.#connections]) connection.close(reason, words);
	}

	#tellSoon(now: number): void {
		if (!this.#isUntold || this.#isTelling || now - this.#toldTime < TELL_MS) return;
		this.#isTelling = true;
		queueMicrotask(() => {
			this.#isTelling = false;
			this.#isUntold = false;
			const text = this.camerasMessage;
			if (text === this.#told) return;
			this.#told = text;
			this.#toldTime = now;
			for (const viewer of [...this.#viewers]) guarded(viewer, () => viewer.tellCameras(text));
		});
	}

	#takeChannel(): number {
		if (this.#nextChannel > MAX_CHANNEL) throw new RangeError("65 535 cameras have come and gone: restart");
		return this.#nextChannel++;
	}

	#forgetOldest(): void {
		if (this.#cameras.size < MAX_KNOWN_CAMERAS) return;
		const offline = [...this.#cameras.values()].filter(({ status }) => status.state === "offline");
		const oldest = offline.sort((a, b) => a.status.since - b.status.since)[0];
		if (oldest) this.remove(oldest);
	}
}

/** A fault of ours costs the connection it happened for, never the relay. */
function guarded(connection: Connection, run: () => void): void {
	try {
		run();
	} catch (cause) {
		noteFault("a connection's turn", cause);
		connection.close("internalError", "internal error, see the relay's log");
	}
}
