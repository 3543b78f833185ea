import type { ServerWebSocket, WebSocketHandler } from "bun";
import { CLOSE, type CloseReason, closeWords } from "#shared/close.ts";
import { ProtocolError } from "#shared/errors.ts";
import { noteFault } from "./faults.ts";

const MAX_BUFFERED_BYTES = 4 * 1024 * 1024; // two of the largest frames; the flow window keeps it near zero
const MAX_MESSAGE_BYTES = 8 * 1024 * 1024; // far above any frame: those are refused one by one, this ends the connection

/** One peer's connection, without the library's traps: binary stays binary, a refused send is told apart. */
export interface Socket {
	/** Bytes handed over that the kernel has not taken yet. */
	readonly bufferedBytes: number;
	/** False when the socket refused it: nothing of it was sent. */
	sendText(text: string): boolean;
	sendBinary(bytes: Uint8Array): boolean;
	/** Several sends in one write. */
	cork(sends: () => void): void;
	/** A WebSocket ping (RFC 6455 section 5.5.2), which every client answers by itself with the same payload. */
	ping(payload: Uint8Array): void;
	/** Idempotent. */
	close(reason: CloseReason, words: string): void;
}

/** What stands behind a connection. Handlers may throw: a ProtocolError closes it with 4400, anything else with 1011. */
export interface Session {
	text(message: string): void;
	/** `message` is ours to keep. */
	binary(message: Uint8Array): void;
	pong(payload: Uint8Array): void;
	drained(): void;
	closed(): void;
}

/** What a route hands to the upgrade: the session to start once the connection is open. */
export interface Accepted {
	start(socket: Socket): Session;
	session: Session | null;
}

/** Bun's own handlers, given to Elysia's `listen`: Elysia's `.ws()` turns binary into JSON and wraps each event anew. */
export const websocket: WebSocketHandler<Accepted> = {
	maxPayloadLength: MAX_MESSAGE_BYTES,
	backpressureLimit: MAX_BUFFERED_BYTES,
	perMessageDeflate: false, // frames are compressed already
	idleTimeout: 0, // it does not find dead peers while sends still fit into the kernel; the heartbeat does
	sendPings: false,
	open(ws) {
		guard(ws, () => {
			ws.data.session = ws.data.start(new BunSocket(ws));
		});
	},
	message(ws, message) {
		try {
			if (typeof message === "string") ws.data.session?.text(message);
			else ws.data.session?.binary(message);
		} catch (cause) {
			failed(ws, cause);
		}
	},
	pong(ws, payload) {
		guard(ws, (session) => session?.pong(payload));
	},
	drain(ws) {
		guard(ws, (session) => session?.drained());
	},
	close(ws) {
		guard(ws, (session) => session?.closed());
		ws.data.session = null;
	},
};

function guard(ws: ServerWebSocket<Accepted>, run: (session: Session | null) => void): void {
	try {
		run(ws.data.session);
	} catch (cause) {
		failed(ws, cause);
	}
}

function failed(ws: ServerWebSocket<Accepted>, cause: unknown): void {
	if (cause instanceof ProtocolError) return closeWith(ws, "badMessage", cause.message);
	noteFault("a connection's handler", cause);
	closeWith(ws, "internalError", "internal error, see the relay's log");
}

class BunSocket implements Socket {
	readonly #ws: ServerWebSocket<Accepted>;
	#mayBuffer = false; // asking the socket costs as much as the rest of a send

	constructor(ws: ServerWebSocket<Accepted>) {
		this.#ws = ws;
	}

	get bufferedBytes(): number {
		if (!this.#mayBuffer) return 0;
		const bytes = this.#ws.getBufferedAmount();
		this.#mayBuffer = bytes > 0;
		return bytes;
	}

	sendText(text: string): boolean {
		return this.#accepted(this.#ws.sendText(text));
	}

	sendBinary(bytes: Uint8Array): boolean {
		return this.#accepted(this.#ws.sendBinary(bytes));
	}

	cork(sends: () => void): void {
		this.#ws.cork(sends);
	}

	ping(payload: Uint8Array): void {
		this.#ws.ping(payload);
	}

	close(reason: CloseReason, words: string): void {
		closeWith(this.#ws, reason, words);
	}

	/** What send returns: bytes written, -1 accepted but buffered, 0 refused. */
	#accepted(result: number): boolean {
		if (result <= 0) this.#mayBuffer = true;
		return result !== 0;
	}
}

function closeWith(ws: ServerWebSocket<Accepted>, reason: CloseReason, words: string): void {
	ws.close(CLOSE[reason], closeWords(words));
}
