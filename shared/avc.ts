/** The codec string (RFC 6381) of an avcC record, as WebCodecs and MSE want it: "avc1.64001f". */
export function avcCodecString(record: Uint8Array): string {
	// AVCProfileIndication, profile_compatibility and AVCLevelIndication, ISO/IEC 14496-15 section 5.3.3.1.2.
	// By hand: browsers learned Uint8Array.toHex years after VideoDecoder.
	return `avc1.${[...record.subarray(1, 4)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}
