import { encodeAck } from "#shared/ack.ts";
import { localNow } from "#shared/clock.ts";
import { decodeHeader, type FrameHeader, messageType } from "#shared/frame.ts";
import { decodePing, encodePong } from "#shared/ping.ts";
import type { Watch, WatchedCamera } from "#shared/protocol.ts";
import { until } from "./until.ts";

/** A frame as a test's viewer got it. */
export interface ReceivedFrame {
	header: FrameHeader;
	body: Uint8Array;
	/** `localNow` when the body arrived. */
	receiveTime: number;
}

interface Message {
	type: string;
	[field: string]: unknown;
}

/** What a client does by itself. */
export interface Habits {
	/** Says hello on open; true unless told. */
	greets?: boolean;
	/** Acknowledges frames; true unless told. */
	acks?: boolean;
	/** Answers pings; true unless told. */
	answers?: boolean;
	/** Sent with the upgrade. */
	headers?: Record<string, string>;
	/** Called for every frame; without it the newest is kept in `frames` (at most 1 000). */
	onFrame?: (frame: ReceivedFrame) => void;
}

/** One WebSocket speaking the product's protocol, of either role, under a test's full control. */
export class WireClient implements Disposable {
	readonly socket: WebSocket;
	/** Text messages received, oldest first. */
	readonly messages: Message[] = [];
	readonly frames: ReceivedFrame[] = [];
	frameCount = 0;
	acks = 0;
	closed: { code: number; reason: string } | null = null;
	readonly #habits: Habits;
	#expected: { header: FrameHeader; headerTime: number } | null = null;

	/** Dials at once; `url` with http: or ws:. */
	constructor(url: string, habits: Habits = {}) {
		this.#habits = habits;
		const { headers = {} } = habits;
		this.socket = new WebSocket(url.replace(/^http/, "ws"), { headers } as unknown as string[]);
		this.socket.binaryType = "arraybuffer";
		this.socket.addEventListener("message", ({ data }) => this.#receive(data));
		this.socket.addEventListener("close", ({ code, reason }) => {
			this.closed = { code, reason };
		});
		if (habits.greets ?? true)
			this.socket.addEventListener("open", () => this.say({ type: "hello", protocol: 1, software: "test" }));
	}

	say(message: unknown): void {
		this.socket.send(JSON.stringify(message));
	}

	send(...messages: Uint8Array[]): void {
		for (const message of messages) this.socket.send(message as Uint8Array<ArrayBuffer>);
	}

	/** Watches these cameras and no others; a number is a rendition, null leaves it to the relay. `change` overrides. */
	watch(
		cameras: Record<string, number | null>,
		change: Partial<Watch> & { camera?: Partial<WatchedCamera> } = {},
	): void {
		const { camera, ...rest } = change;
		const watched = Object.entries(cameras).map(([id, rendition]) => ({
			id,
			rendition,
			maxLines: null,
			maxFramesPerSecond: null,
			isFocused: false,
			...camera,
		}));
		this.say({ type: "watch", mode: "balanced", rememberedBps: null, cameras: watched, ...rest });
	}

	/** The first message that fits, already here or still to come. */
	heard(type: string, fits: (message: Message) => boolean = () => true): Promise<Message> {
		const what = `a message of type ${type}`;
		return until(() => this.messages.find((message) => message.type === type && fits(message)), { what });
	}

	/** The first frame that fits, already here or still to come. */
	frame(fits: (frame: ReceivedFrame) => boolean = () => true): Promise<ReceivedFrame> {
		return until(() => this.frames.find(fits), { what: "a frame", timeoutMs: 10_000 });
	}

	ended(): Promise<{ code: number; reason: string }> {
		return until(() => this.closed, { what: "the connection to be closed", timeoutMs: 15_000 });
	}

	close(): void {
		this.socket.close();
	}

	[Symbol.dispose](): void {
		this.socket.close();
	}

	#receive(data: string | ArrayBuffer): void {
		const now = localNow();
		if (typeof data === "string") {
			this.messages.push(JSON.parse(data));
			return;
		}
		const message = new Uint8Array(data);
		if (this.#expected) return this.#body(message, now);
		switch (messageType(message)) {
			case "frame":
				this.#expected = { header: decodeHeader(message), headerTime: now };
				return;
			case "ping":
				if (this.#habits.answers ?? true) this.send(encodePong({ ...decodePing(message), answerTime: now }));
				return;
			case "ack":
				this.acks++;
		}
	}

	#body(body: Uint8Array, now: number): void {
		const { header, headerTime } = this.#expected!;
		this.#expected = null;
		this.frameCount++;
		if (this.#habits.acks ?? true)
			this.send(encodeAck({ delivery: header.delivery, headerTime, bodyTime: now }));
		const frame = { header, body, receiveTime: now };
		if (this.#habits.onFrame) return this.#habits.onFrame(frame);
		this.frames.push(frame);
		if (this.frames.length > 1_000) this.frames.shift();
	}
}
