import { ProtocolError } from "./errors.ts";
import { MESSAGE } from "./frame.ts";

/** Either side asks "are you there, and what is your time?". */
export interface Ping {
	/** Sender's clock, ms; comes back untouched. */
	sentTime: number;
}

export interface Pong {
	/** The ping's `sentTime`. */
	sentTime: number;
	/** The answerer's clock when it answered, ms since the Unix epoch. */
	answerTime: number;
}

const PING_BYTES = 9;
const PONG_BYTES = 17;

/** Writes a ping: type u8, sentTime f64. */
export function encodePing(ping: Ping): Uint8Array<ArrayBuffer> {
	const bytes = new Uint8Array(PING_BYTES);
	const view = new DataView(bytes.buffer);
	view.setUint8(0, MESSAGE.ping);
	view.setFloat64(1, ping.sentTime, true);
	return bytes;
}

/** Writes a pong: type u8, sentTime f64, answerTime f64. */
export function encodePong(pong: Pong): Uint8Array<ArrayBuffer> {
	const bytes = new Uint8Array(PONG_BYTES);
	const view = new DataView(bytes.buffer);
	view.setUint8(0, MESSAGE.pong);
	view.setFloat64(1, pong.sentTime, true);
	view.setFloat64(9, pong.answerTime, true);
	return bytes;
}

/** Reads a ping; throws ProtocolError for any other bytes. */
export function decodePing(message: Uint8Array): Ping {
	const view = checked(message, MESSAGE.ping, PING_BYTES, "ping");
	return { sentTime: instant(view, 1, "ping.sentTime") };
}

/** Reads a pong; throws ProtocolError for any other bytes. */
export function decodePong(message: Uint8Array): Pong {
	const view = checked(message, MESSAGE.pong, PONG_BYTES, "pong");
	return { sentTime: instant(view, 1, "pong.sentTime"), answerTime: instant(view, 9, "pong.answerTime") };
}

function checked(message: Uint8Array, type: number, size: number, name: string): DataView {
	if (message.length !== size || message[0] !== type)
		throw new ProtocolError(`${name}: expected ${size} bytes, got ${message.length}`);
	return new DataView(message.buffer, message.byteOffset, message.byteLength);
}

function instant(view: DataView, offset: number, name: string): number {
	const value = view.getFloat64(offset, true);
	if (!Number.isFinite(value)) throw new ProtocolError(`${name}: expected a finite number`);
	return value;
}
