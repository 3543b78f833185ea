import { ProtocolError } from "#shared/errors.ts";
import { messageType } from "#shared/frame.ts";
import { bodyPatienceMs, Heartbeat } from "#shared/heartbeat.ts";
import { decodePing, decodePong, encodePing, encodePong } from "#shared/ping.ts";
import {
	checkVersion,
	PROTOCOL_VERSION,
	parseJson,
	type ToAgentMessage,
	type ToViewerMessage,
} from "#shared/protocol.ts";
import type { Session, Socket } from "./socket.ts";

const HELLO_MS = 3_000; // a peer that has not introduced itself by then never will
const SOFTWARE = "sightline relay";

/** What agents and viewers have in common: the greeting, pings, and being given up when silent. */
export abstract class Peer implements Session {
	protected readonly socket: Socket;
	protected readonly clock: () => number;
	readonly #openTime: number;
	readonly #heartbeat: Heartbeat;
	#isGreeted = false;
	#isClosed = false;

	/** `clock`: this relay's, ms since the Unix epoch. */
	constructor(socket: Socket, clock: () => number) {
		this.socket = socket;
		this.clock = clock;
		this.#openTime = clock();
		this.#heartbeat = new Heartbeat(this.#openTime, "when silent");
	}

	/** Handles a message of a greeted peer, still unchecked; throws ProtocolError. */
	protected abstract take(message: unknown): void;
	/** Handles a binary message that is no ping or pong; throws ProtocolError. */
	protected abstract takeBinary(message: Uint8Array): void;
	protected abstract greeted(): void;
	protected abstract ended(): void;

	text(text: string): void {
		if (this.#isClosed) return;
		this.#heartbeat.heard(this.clock());
		const message = parseJson(text);
		if (this.#isGreeted) return this.take(message);
		const hello = message as { type?: unknown; protocol?: unknown } | null;
		if (hello?.type !== "hello") throw new ProtocolError("message.type: expected hello first");
		if (typeof hello.protocol !== "number") throw new ProtocolError("hello.protocol: expected a number");
		try {
			checkVersion(hello.protocol);
		} catch (cause) {
			return this.close("version", (cause as Error).message);
		}
		this.take(message);
		this.#isGreeted = true;
		this.say({ type: "welcome", protocol: PROTOCOL_VERSION, software: SOFTWARE });
		this.greeted();
	}

	binary(message: Uint8Array): void {
		if (this.#isClosed) return;
		if (!this.#isGreeted) throw new ProtocolError("binary message before hello");
		const now = this.clock();
		this.#heartbeat.heard(now);
		switch (this.bodyBytes > 0 ? "frame" : messageType(message)) {
			case "ping":
				this.socket.sendBinary(encodePong({ ...decodePing(message), answerTime: now }));
				return;
			case "pong":
				decodePong(message);
				return;
			default:
				this.takeBinary(message);
		}
	}

	/** Above 0 when the next binary message is a body, which has no type: that many bytes are on their way. */
	protected get bodyBytes(): number {
		return 0;
	}

	pong(): void {
		this.#heartbeat.heard(this.clock());
	}

	drained(): void {}

	/** Call about 20 times a second. */
	tick(now: number): void {
		if (this.#isClosed) return;
		if (!this.#isGreeted && now - this.#openTime > HELLO_MS)
			return this.close("timeout", "no hello within 3 s");
		switch (this.#heartbeat.check(now, bodyPatienceMs(this.bodyBytes))) {
			case "dead":
				return this.close("timeout", "nothing heard for 4 s");
			case "ping":
				if (this.#isGreeted) this.socket.sendBinary(encodePing({ sentTime: now }));
		}
	}

	/** Ends the connection; what it held is released at once. Idempotent. */
	close(...[reason, words]: Parameters<Socket["close"]>): void {
		if (this.#isClosed) return;
		this.socket.close(reason, words);
		this.closed();
	}

	closed(): void {
		if (this.#isClosed) return;
		this.#isClosed = true;
		this.ended();
	}

	protected say(message: ToAgentMessage | ToViewerMessage): void {
		this.sayText(JSON.stringify(message));
	}

	protected sayText(text: string): void {
		if (this.#isClosed) return;
		if (!this.socket.sendText(text)) this.close("timeout", "the connection takes no more");
	}
}
