// RTP (RFC 3550) and H.264 in RTP (RFC 6184), framed for RTSP over TCP (RFC 2326, 10.12).
const PAYLOAD_TYPE = 96;
const PAYLOAD_MAX_BYTES = 1_400;
const FU_A = 28;
const NAL_TYPE = 0x1f;
const NAL_IMPORTANCE = 0xe0;

/** The NAL units of an Annex B byte stream, without start codes; views, not copies. */
export function nalUnits(stream: Buffer): Buffer[] {
	const units: Buffer[] = [];
	let from = -1;
	for (let at = stream.indexOf("\0\0\x01", 0, "latin1"); at >= 0; ) {
		if (from >= 0) units.push(withoutTrailingZeros(stream.subarray(from, at)));
		from = at + 3;
		at = stream.indexOf("\0\0\x01", from, "latin1");
	}
	if (from >= 0) units.push(stream.subarray(from));
	return units;
}

/** The type of a NAL unit: 5 key picture, 7 and 8 parameter sets. */
export function nalType(unit: Uint8Array): number {
	return (unit[0] ?? 0) & NAL_TYPE;
}

/** One sender's packet numbering. */
export class RtpH264 {
	#sequence = Math.floor(Math.random() * 0x10000);
	readonly #source = Math.floor(Math.random() * 0x1_0000_0000);

	/** One picture as interleaved packets for `channel`; `timeMs` becomes the 90 kHz timestamp. */
	packets(units: readonly Buffer[], timeMs: number, channel: number): Buffer {
		const timestamp = Math.floor(timeMs * 90) % 0x1_0000_0000;
		const payloads = units.flatMap(fragments);
		const packets = payloads.map((payload, index) => {
			const head = Buffer.alloc(16);
			head.write("$");
			head[1] = channel;
			head.writeUInt16BE(12 + payload.byteLength, 2);
			head[4] = 0x80; // version 2
			head[5] = PAYLOAD_TYPE | (index === payloads.length - 1 ? 0x80 : 0); // marker: the picture ends
			head.writeUInt16BE(this.#sequence, 6);
			head.writeUInt32BE(timestamp, 8);
			head.writeUInt32BE(this.#source, 12);
			this.#sequence = (this.#sequence + 1) % 0x10000;
			return Buffer.concat([head, payload]);
		});
		return Buffer.concat(packets);
	}
}

function fragments(unit: Buffer): Buffer[] {
	if (unit.byteLength <= PAYLOAD_MAX_BYTES) return [unit];
	const first = unit[0] ?? 0;
	const pieces: Buffer[] = [];
	for (let at = 1; at < unit.byteLength; at += PAYLOAD_MAX_BYTES) {
		const piece = unit.subarray(at, at + PAYLOAD_MAX_BYTES);
		const start = at === 1 ? 0x80 : 0;
		const end = at + piece.byteLength === unit.byteLength ? 0x40 : 0;
		const head = [(first & NAL_IMPORTANCE) | FU_A, start | end | (first & NAL_TYPE)];
		pieces.push(Buffer.concat([Buffer.from(head), piece]));
	}
	return pieces;
}

function withoutTrailingZeros(unit: Buffer): Buffer {
	let end = unit.byteLength;
	while (end > 0 && unit[end - 1] === 0) end -= 1; // the first byte of a four-byte start code
	return unit.subarray(0, end);
}
