import { encodeAck } from "#shared/ack.ts";
import { localNow } from "#shared/clock.ts";
import { decodeHeader, type FrameHeader, messageType } from "#shared/frame.ts";
import type { Rendition } from "#shared/ladder.ts";
import { decodePing, encodePong } from "#shared/ping.ts";
import type { AgentMessage, AgentStats } from "#shared/protocol.ts";
import { until } from "./until.ts";

export interface ReceivedFrame {
	header: FrameHeader;
	body: Uint8Array;
}

const KEPT = 1_000;

/** A relay for one agent with one camera: demands what it is told to, acknowledges, keeps the newest frames. */
export class DemandingRelay implements AsyncDisposable {
	/** The newest 1 000, oldest first. */
	readonly frames: ReceivedFrame[] = [];
	frameCount = 0;
	/** Of all frames so far. */
	bodyBytes = 0;
	/** The camera's id, once the agent has published it. */
	camera = "";
	/** What the camera offers, as its agent last told. */
	renditions: readonly Rendition[] = [];
	/** The camera's counters, as its agent last told. */
	stats: AgentStats | null = null;
	readonly #server: Bun.Server<undefined>;
	#socket: Bun.ServerWebSocket<undefined> | null = null;
	#header: FrameHeader | null = null;
	#demanded: readonly number[] = [];
	#version = 0;
	#confirmed = 0;
	#epoch = 40;

	/** Listens on a free port of 127.0.0.1 at once. */
	constructor() {
		this.#server = Bun.serve({
			hostname: "127.0.0.1",
			port: 0,
			fetch: (request, server) => (server.upgrade(request) ? undefined : new Response(null, { status: 426 })),
			websocket: {
				open: (socket) => {
					this.#socket = socket;
					this.#header = null;
					this.say({ type: "welcome", protocol: 1, software: "test" });
				},
				message: (_, message) =>
					typeof message === "string"
						? this.#text(JSON.parse(message))
						: this.#binary(new Uint8Array(message)),
			},
		});
	}

	/** For RELAY_URL. */
	get url(): string {
		return `http://127.0.0.1:${this.#server.port}`;
	}

	get newest(): ReceivedFrame | undefined {
		return this.frames.at(-1);
	}

	say(message: object): void {
		this.#socket?.send(JSON.stringify(message));
	}

	/** The full set of renditions to make from now on, of whichever agent connects. */
	demand(...renditions: number[]): void {
		this.#demanded = renditions;
		const cameras = renditions.length > 0 ? [{ id: this.camera, renditions }] : [];
		if (this.camera) this.say({ type: "demand", version: ++this.#version, cameras });
	}

	/** Resolves once the agent has said that the newest demand is in force. */
	async confirmed(): Promise<void> {
		await until(() => this.#confirmed === this.#version, {
			what: "the demand to be confirmed",
			intervalMs: 2,
		});
	}

	/** The first frame kept that fits, already here or still to come. */
	frame(fits: (frame: ReceivedFrame) => boolean, timeoutMs = 20_000): Promise<ReceivedFrame> {
		return until(() => this.frames.find(fits), { what: "a frame", timeoutMs });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#server.stop(true);
	}

	#text(message: AgentMessage): void {
		if (message.type === "have") this.#confirmed = message.version;
		if (message.type === "camera") this.renditions = message.renditions;
		if (message.type === "stats") this.stats = message.cameras[0] ?? null;
		if (message.type !== "publish") return;
		this.camera = message.cameras[0]!.id;
		this.say({ type: "channels", cameras: [{ id: this.camera, channel: 3, epoch: this.#epoch }] });
		this.demand(...this.#demanded);
	}

	#binary(message: Uint8Array): void {
		if (this.#header) return this.#body(this.#header, message.slice());
		if (messageType(message) === "frame") this.#header = decodeHeader(message.slice());
		else if (messageType(message) === "ping")
			this.#socket?.send(encodePong({ ...decodePing(message), answerTime: localNow() }));
	}

	#body(header: FrameHeader, body: Uint8Array): void {
		this.#header = null;
		this.#epoch = header.epoch;
		this.frameCount++;
		this.bodyBytes += body.length;
		this.frames.push({ header, body });
		if (this.frames.length > KEPT) this.frames.shift();
		const { delivery } = header;
		this.#socket?.send(encodeAck({ delivery, headerTime: localNow(), bodyTime: localNow() }));
	}
}
