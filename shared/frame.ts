import { ProtocolError } from "./errors.ts";

/** First byte of every binary message but a body. */
export const MESSAGE = { frame: 1, ack: 2, ping: 3, pong: 4 } as const;

/** Codecs by their number on the wire. */
const CODECS = { jpeg: 1, h264: 2 } as const;
export type Codec = keyof typeof CODECS;

/** No encoded frame may be larger: the receiver refuses it by its header, before a byte of the body is kept. */
export const MAX_BODY_BYTES = 2 * 1024 * 1024;
const MAX_CONFIG_BYTES = 4096; // an avcC record takes about 50

/** Where each field of a frame header lies; all numbers little-endian. PROTOCOL.md, "Frame header". */
const AT = {
	type: 0,
	flags: 1,
	channel: 2,
	rendition: 4,
	codec: 6,
	reserved: 7,
	epoch: 8,
	seq: 12,
	delivery: 16,
	bodyBytes: 20,
	width: 24,
	height: 26,
	encodeMs: 28,
	captureTime: 32,
	relayTime: 40,
	sendTime: 48,
	configBytes: 56,
	reserved2: 58,
	config: 60,
} as const;

/** Bytes of a header without config. */
export const HEADER_BYTES = AT.config;

const FLAG = { key: 1, cached: 2 } as const;
const KNOWN_FLAGS = FLAG.key | FLAG.cached;

/** What precedes every body. Instants are ms since the Unix epoch in the relay's clock. */
export interface FrameHeader {
	/** The camera's number, given by the relay; the same on both legs. */
	channel: number;
	rendition: number;
	codec: Codec;
	/** Decodable without any earlier frame. */
	isKey: boolean;
	/** Sent from the relay's cache to somebody who just joined. */
	isCached: boolean;
	/** Grows whenever the encoders start anew; frames of an older epoch are never shown after a newer one. */
	epoch: number;
	/** Counts the frames of one rendition within an epoch. */
	seq: number;
	/** Counts the frames of one socket; acknowledged by this number. */
	delivery: number;
	bodyBytes: number;
	width: number;
	height: number;
	captureTime: number;
	/** From capture to encoded, ms in steps of 0.1. */
	encodeMs: number;
	/** When the relay had the last byte; 0 on the uplink. */
	relayTime: number;
	/** When this hop's sender handed the frame to its socket. */
	sendTime: number;
	/** Codec description (H.264: avcC), present on key frames of codecs that need one; shares memory with the message. */
	config: Uint8Array | null;
}

/** The type byte of a binary message that is not a body; throws ProtocolError for anything else. */
export function messageType(message: Uint8Array): keyof typeof MESSAGE {
	switch (message[0]) {
		case MESSAGE.frame:
			return "frame";
		case MESSAGE.ack:
			return "ack";
		case MESSAGE.ping:
			return "ping";
		case MESSAGE.pong:
			return "pong";
	}
	throw new ProtocolError(
		message.length === 0 ? "binary message is empty" : `binary message of unknown type ${message[0]}`,
	);
}

/** Writes a header message; the caller sends `header.bodyBytes` bytes as the very next message. */
export function encodeHeader(header: FrameHeader): Uint8Array<ArrayBuffer> {
	const config = header.config ?? new Uint8Array(0);
	const bytes = new Uint8Array(HEADER_BYTES + config.length);
	const view = new DataView(bytes.buffer);
	view.setUint8(AT.type, MESSAGE.frame);
	view.setUint8(AT.flags, (header.isKey ? FLAG.key : 0) | (header.isCached ? FLAG.cached : 0));
	view.setUint16(AT.channel, header.channel, true);
	view.setUint16(AT.rendition, header.rendition, true);
	view.setUint8(AT.codec, CODECS[header.codec]);
	view.setUint32(AT.epoch, header.epoch, true);
	view.setUint32(AT.seq, header.seq, true);
	view.setUint32(AT.delivery, header.delivery, true);
	view.setUint32(AT.bodyBytes, header.bodyBytes, true);
	view.setUint16(AT.width, header.width, true);
	view.setUint16(AT.height, header.height, true);
	view.setUint32(AT.encodeMs, Math.round(header.encodeMs * 10), true);
	view.setFloat64(AT.captureTime, header.captureTime, true);
	view.setFloat64(AT.relayTime, header.relayTime, true);
	view.setFloat64(AT.sendTime, header.sendTime, true);
	view.setUint16(AT.configBytes, config.length, true);
	bytes.set(config, AT.config);
	return bytes;
}

/** Reads a header message whole; throws ProtocolError naming the field that is wrong. */
export function decodeHeader(message: Uint8Array): FrameHeader {
	const view = viewOf(message);
	if (message.length < HEADER_BYTES || message[AT.type] !== MESSAGE.frame)
		throw new ProtocolError(`frame header: expected ${HEADER_BYTES} bytes or more, got ${message.length}`);
	const flags = view.getUint8(AT.flags);
	if (flags & ~KNOWN_FLAGS) throw new ProtocolError(`frame header.flags: unknown bits in ${flags}`);
	const codec = (Object.keys(CODECS) as Codec[]).find((name) => CODECS[name] === view.getUint8(AT.codec));
	if (!codec) throw new ProtocolError(`frame header.codec: unknown codec ${view.getUint8(AT.codec)}`);
	if (view.getUint8(AT.reserved) !== 0 || view.getUint16(AT.reserved2, true) !== 0)
		throw new ProtocolError("frame header.reserved: expected 0");
	const configBytes = view.getUint16(AT.configBytes, true);
	if (configBytes > MAX_CONFIG_BYTES || message.length !== HEADER_BYTES + configBytes)
		throw new ProtocolError(
			`frame header.configBytes: ${configBytes} in a message of ${message.length} bytes`,
		);
	const header: FrameHeader = {
		channel: view.getUint16(AT.channel, true),
		rendition: view.getUint16(AT.rendition, true),
		codec,
		isKey: (flags & FLAG.key) !== 0,
		isCached: (flags & FLAG.cached) !== 0,
		epoch: view.getUint32(AT.epoch, true),
		seq: view.getUint32(AT.seq, true),
		delivery: view.getUint32(AT.delivery, true),
		bodyBytes: view.getUint32(AT.bodyBytes, true),
		width: view.getUint16(AT.width, true),
		height: view.getUint16(AT.height, true),
		encodeMs: view.getUint32(AT.encodeMs, true) / 10,
		captureTime: view.getFloat64(AT.captureTime, true),
		relayTime: view.getFloat64(AT.relayTime, true),
		sendTime: view.getFloat64(AT.sendTime, true),
		config: configBytes > 0 ? message.subarray(AT.config) : null,
	};
	if (header.bodyBytes === 0) throw new ProtocolError("frame header.bodyBytes: expected at least 1");
	if (header.width === 0 || header.height === 0)
		throw new ProtocolError(`frame header: size ${header.width}x${header.height} is not a picture`);
	for (const field of ["captureTime", "relayTime", "sendTime"] as const)
		if (!Number.isFinite(header[field]))
			throw new ProtocolError(`frame header.${field}: expected a finite number`);
	return header;
}

/** Notes in a header message (`viewOf`), in place, when the relay had the whole frame. */
export function stampRelayTime(view: DataView, relayTime: number): void {
	view.setFloat64(AT.relayTime, relayTime, true);
}

/**
 * Writes one socket's part of a header message (`viewOf`) in place. Sockets copy what they are given before `send` returns, so
 * one header array serves every receiver in turn.
 */
export function stampDelivery(
	view: DataView,
	{ delivery, sendTime, isCached }: Pick<FrameHeader, "delivery" | "sendTime" | "isCached">,
): void {
	const flags = view.getUint8(AT.flags) & ~FLAG.cached;
	view.setUint8(AT.flags, isCached ? flags | FLAG.cached : flags);
	view.setUint32(AT.delivery, delivery, true);
	view.setFloat64(AT.sendTime, sendTime, true);
}

/** A header message's bytes as the stamps need them; shares its memory. */
export function viewOf(bytes: Uint8Array): DataView {
	return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
