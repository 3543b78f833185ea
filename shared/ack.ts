import { ProtocolError } from "./errors.ts";
import { MESSAGE } from "./frame.ts";

const ACK_BYTES = 14;
const TICKS_PER_MS = 10;
const WRAP_TICKS = 2 ** 32; // 5 days of 0.1 ms: only differences are used

/** Sent by a frame's receiver when the last byte of the body has arrived, before it is decoded. */
export interface Ack {
	/** The `delivery` number of the frame's header. */
	delivery: number;
	/** When the header arrived, receiver's clock, ms, modulo 2^32 ticks of 0.1 ms. */
	headerTime: number;
	/** When the body arrived, same clock. */
	bodyTime: number;
}

/** Writes an ack: type u8, reserved u8, delivery u32, headerTime u32, bodyTime u32 (0.1 ms ticks, wrapping). */
export function encodeAck(ack: Ack): Uint8Array<ArrayBuffer> {
	const bytes = new Uint8Array(ACK_BYTES);
	const view = new DataView(bytes.buffer);
	view.setUint8(0, MESSAGE.ack);
	view.setUint32(2, ack.delivery, true);
	view.setUint32(6, ticks(ack.headerTime), true);
	view.setUint32(10, ticks(ack.bodyTime), true);
	return bytes;
}

/** Reads an ack; throws ProtocolError for any other bytes. */
export function decodeAck(message: Uint8Array): Ack {
	if (message.length !== ACK_BYTES || message[0] !== MESSAGE.ack)
		throw new ProtocolError(`ack: expected ${ACK_BYTES} bytes, got ${message.length}`);
	if (message[1] !== 0) throw new ProtocolError("ack.reserved: expected 0");
	const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
	return {
		delivery: view.getUint32(2, true),
		headerTime: view.getUint32(6, true) / TICKS_PER_MS,
		bodyTime: view.getUint32(10, true) / TICKS_PER_MS,
	};
}

function ticks(timeMs: number): number {
	const whole = Math.round(timeMs * TICKS_PER_MS) % WRAP_TICKS;
	return whole < 0 ? whole + WRAP_TICKS : whole;
}
