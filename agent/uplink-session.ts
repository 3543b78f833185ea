import { decodeAck } from "#shared/ack.ts";
import { ClockOffset, localNow } from "#shared/clock.ts";
import { CLOSE, closeWords } from "#shared/close.ts";
import { ProtocolError } from "#shared/errors.ts";
import { encodeHeader, messageType } from "#shared/frame.ts";
import { Heartbeat } from "#shared/heartbeat.ts";
import { Log } from "#shared/log.ts";
import { decodePing, decodePong, encodePing, encodePong } from "#shared/ping.ts";
import {
	type AgentMessage,
	checkVersion,
	PROTOCOL_VERSION,
	parseJson,
	parseToAgentMessage,
	type ToAgentMessage,
} from "#shared/protocol.ts";
import { FlowWindow } from "#shared/window.ts";
import type { Camera } from "./camera.ts";
import type { EncodedFrame } from "./pipeline.ts";

const SOFTWARE = "sightline agent";
const INITIAL_RATE = 1_000; // bytes per ms = 8 Mbit/s, until the first acks
const TICK_MS = 250;
const STATS_MS = 1_000;
const QUICK_MS = 500;
const CALM_MS = 1_500;
const CALM_FACTOR = 1.15;
const BPS_PER_BYTE_MS = 8_000;
const MAX_BUFFERED_BYTES = 256 * 1024; // never more than a few frames beyond the kernel, whatever the acks say

const log = new Log("agent");

/** How a connection ended. */
export interface Ended {
	code: number;
	words: string;
}

/** What its owner hears of a connection. */
export interface SessionEvents {
	/** Frames may flow. */
	ready(): void;
	/** Another relay takes this one's place. */
	moving(): void;
	/** What this relay's viewers watch has changed. */
	demand(): void;
}

/** Where the relay takes pictures, and what it asks for before it does. */
export interface RelayAddress {
	/** Of its /publish, ws: or wss:. */
	url: string;
	keys: readonly string[];
}

/** One connection to the relay, from dialing to its end. */
export class UplinkSession {
	readonly #socket: WebSocket;
	readonly #instance: string;
	readonly #cameras: () => readonly Camera[];
	readonly #window = new FlowWindow(INITIAL_RATE);
	readonly #clock = new ClockOffset();
	readonly #heartbeat = new Heartbeat(localNow(), "always");
	readonly #ended = Promise.withResolvers<Ended>();
	readonly #channels = new Map<Camera, number>();
	#delivery = 0;
	#toldDelivery = 0;
	#isWelcome = false;
	#statsText = "";
	#statsTime = 0;
	#demanded: readonly { id: string; renditions: readonly number[] }[] = [];
	#events: SessionEvents = { ready() {}, moving() {}, demand() {} };

	/** `cameras` tells those of now; `republish` when they changed. */
	constructor({ url, keys }: RelayAddress, instance: string, cameras: () => readonly Camera[]) {
		this.#instance = instance;
		this.#cameras = cameras;
		// In a header: addresses end up in logs. RFC 6750 lets a bearer token hold the sign that joins several keys.
		const headers = keys.length > 0 ? { Authorization: `Bearer ${keys.join("~")}` } : {};
		this.#socket = new WebSocket(url, { headers } as unknown as string[]); // Bun's own, the DOM's type knows no headers
		this.#socket.binaryType = "arraybuffer";
	}

	/** Speaks with the relay until the connection ends or the signal aborts. */
	async run(signal: AbortSignal, events: SessionEvents): Promise<Ended> {
		this.#events = events;
		const socket = this.#socket;
		const lifetime = new AbortController();
		const options = { signal: lifetime.signal };
		socket.addEventListener("open", () => this.#hello(), options);
		socket.addEventListener("message", (event) => this.#receive(event.data), options);
		socket.addEventListener("close", ({ code, reason }) => this.#end({ code, words: reason }), options);
		socket.addEventListener("error", () => this.#end({ code: 1006, words: "" }), options);
		const stop = () => this.hangUp("agent stops");
		signal.addEventListener("abort", stop, { once: true });
		if (signal.aborted) stop();
		const timer = setInterval(() => this.#tick(localNow()), TICK_MS);
		const ended = await this.#ended.promise;
		clearInterval(timer);
		signal.removeEventListener("abort", stop);
		lifetime.abort();
		// A dead path never answers a polite close.
		if (ended.code === CLOSE.timeout) (socket as Bun.WebSocket).terminate();
		else socket.close();
		return ended;
	}

	admits(intervalMs: number): boolean {
		return (
			this.#channels.size > 0 &&
			this.#socket.bufferedAmount < MAX_BUFFERED_BYTES &&
			this.#window.admits(localNow(), intervalMs)
		);
	}

	admitsBehind(intervalMs: number, frame: { bytes: number; aheadBytes: number }): boolean {
		return this.#window.admitsBehind(localNow(), intervalMs, frame);
	}

	/** Sends one frame, header and body; false when the relay does not know the camera yet or is gone. */
	send(camera: Camera, frame: EncodedFrame): boolean {
		const channel = this.#channels.get(camera);
		if (channel === undefined || this.#socket.readyState !== WebSocket.OPEN) return false;
		const { rendition, body } = frame;
		const now = localNow();
		const header = encodeHeader({
			channel,
			rendition: rendition.id,
			codec: rendition.codec,
			isKey: frame.isKey,
			isCached: false,
			epoch: frame.epoch,
			seq: frame.seq,
			delivery: this.#delivery,
			bodyBytes: body.length,
			width: rendition.width,
			height: rendition.height,
			captureTime: this.#clock.toRelay(frame.captureTime),
			encodeMs: frame.encodeMs,
			relayTime: 0,
			sendTime: this.#clock.toRelay(now),
			config: frame.config,
		});
		this.#socket.send(header);
		this.#socket.send(body as Uint8Array<ArrayBuffer>);
		this.#window.sent(now, this.#delivery, header.length + body.length);
		this.#delivery = (this.#delivery + 1) >>> 0;
		return true;
	}

	/** Which renditions of a camera this relay's viewers watch. */
	demanded(camera: Camera): readonly number[] {
		return this.#demanded.find(({ id }) => id === camera.id)?.renditions ?? [];
	}

	/** Answers `moving`: the next relay has its cameras. */
	tellMoved(): void {
		this.#say({ type: "moved" });
	}

	tellCamera(camera: Camera): void {
		if (this.#channels.has(camera)) this.#say({ type: "camera", ...camera.state });
	}

	/** Tells the new list of cameras; those that stay go on over their channels. */
	republish(): void {
		const cameras = new Set(this.#cameras());
		for (const camera of this.#channels.keys()) if (!cameras.has(camera)) this.#channels.delete(camera);
		if (this.#isWelcome) this.#publish();
	}

	/** Ends this connection for good reason: another follows. */
	hangUp(words: string): void {
		this.#socket.close(CLOSE.goodbye, words);
		this.#end({ code: CLOSE.goodbye, words });
	}

	#hello(): void {
		this.#heartbeat.heard(localNow());
		this.#say({ type: "hello", protocol: PROTOCOL_VERSION, software: SOFTWARE });
		this.#socket.send(encodePing({ sentTime: localNow() }));
	}

	#receive(data: string | ArrayBuffer): void {
		try {
			this.#heartbeat.heard(localNow());
			if (typeof data === "string") this.#take(parseToAgentMessage(parseJson(data)));
			else this.#takeBinary(new Uint8Array(data));
		} catch (cause) {
			if (!(cause instanceof ProtocolError)) throw cause;
			this.#socket.close(CLOSE.badMessage, closeWords(cause.message));
			this.#end({ code: CLOSE.badMessage, words: `the relay broke the protocol: ${cause.message}` });
		}
	}

	#take(message: ToAgentMessage): void {
		switch (message.type) {
			case "welcome":
				checkVersion(message.protocol);
				this.#isWelcome = true;
				return this.#publish();
			case "channels":
				for (const { id, channel, epoch } of message.cameras) {
					const camera = this.#cameras().find((one) => one.id === id);
					if (!camera || this.#channels.has(camera)) continue; // it left the list meanwhile, or goes on
					if (epoch >= camera.pipeline.epoch) camera.pipeline.startEpoch(epoch);
					this.#channels.set(camera, channel);
					this.tellCamera(camera);
				}
				return this.#events.ready();
			case "moving":
				return this.#events.moving();
			case "demand":
				this.#demanded = message.cameras;
				this.#events.demand();
				return this.#say({ type: "have", version: message.version });
			case "key":
				this.#cameras()
					.find(({ id }) => id === message.camera)
					?.askKey(message.rendition);
				return;
			case "refused":
				log.warn("the relay refused a frame", { camera: message.camera, why: message.message });
		}
	}

	#publish(): void {
		const cameras = this.#cameras().map(({ id, name }) => ({ id, name }));
		this.#say({ type: "publish", instance: this.#instance, cameras });
	}

	#takeBinary(message: Uint8Array): void {
		const now = localNow();
		switch (messageType(message)) {
			case "ack":
				this.#window.acked(now, decodeAck(message));
				return;
			case "ping":
				this.#socket.send(encodePong({ ...decodePing(message), answerTime: now }));
				return;
			case "pong": {
				const { sentTime, answerTime } = decodePong(message);
				this.#clock.add(sentTime, answerTime, now);
				return;
			}
			default:
				throw new ProtocolError("a relay sends an agent no frames");
		}
	}

	#tick(now: number): void {
		switch (this.#heartbeat.check(now)) {
			case "dead":
				return this.#end({ code: CLOSE.timeout, words: "nothing heard from the relay for 4 s" });
			case "ping":
				if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(encodePing({ sentTime: now }));
		}
		if (this.#window.isMeasured && this.#delivery !== this.#toldDelivery) {
			this.#toldDelivery = this.#delivery;
			// The lower of a quick and a calm look: a drop is told at once, a peak is not believed at once.
			const rate = Math.min(this.#window.rate(now, QUICK_MS), CALM_FACTOR * this.#window.rate(now, CALM_MS));
			this.#say({ type: "uplink", rateBps: Math.round(rate * BPS_PER_BYTE_MS) });
		}
		if (now - this.#statsTime < STATS_MS || this.#channels.size === 0) return;
		this.#statsTime = now;
		const cameras = this.#cameras().map((camera) => camera.stats);
		const text = JSON.stringify(cameras);
		if (text === this.#statsText) return;
		this.#statsText = text;
		this.#say({ type: "stats", cameras });
	}

	#say(message: AgentMessage): void {
		if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
	}

	#end(ended: Ended): void {
		this.#ended.resolve(ended);
	}
}
