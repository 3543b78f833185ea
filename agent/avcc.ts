/** NAL unit types of H.264, ITU-T H.264 table 7-1. */
const NAL = { key: 5, sps: 7, pps: 8 } as const;
const START_CODE = Buffer.from([0, 0, 1]);
const LENGTH_BYTES = 4; // before each unit of an access unit
const HIGH_PROFILES = [100, 110, 122, 144]; // whose records state the sample format too

/** The NAL units of an Annex B byte stream, without start codes; views of it, not copies. */
export function nalUnits(stream: Uint8Array): Uint8Array[] {
	const bytes = Buffer.from(stream.buffer, stream.byteOffset, stream.byteLength);
	const units: Uint8Array[] = [];
	let from = bytes.indexOf(START_CODE);
	while (from >= 0) {
		const start = from + START_CODE.length;
		const next = bytes.indexOf(START_CODE, start);
		let end = next < 0 ? stream.length : next;
		while (end > start && stream[end - 1] === 0) end--; // the zero of a longer start code; a unit never ends in one
		if (end > start) units.push(stream.subarray(start, end));
		from = next;
	}
	return units;
}

/** Whether a NAL unit is part of the picture itself, not of what is said about it. */
export function isSlice(unit: Uint8Array): boolean {
	return typeOf(unit) >= 1 && typeOf(unit) <= NAL.key;
}

/** Whether a NAL unit is part of a picture decodable without any other (IDR). */
export function isKeySlice(unit: Uint8Array): boolean {
	return typeOf(unit) === NAL.key;
}

/** An access unit as players with an avcC record take it: each NAL unit after its length. A copy. */
export function lengthPrefixed(units: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
	const bytes = new Uint8Array(units.reduce((sum, unit) => sum + LENGTH_BYTES + unit.length, 0));
	const view = new DataView(bytes.buffer);
	let at = 0;
	for (const unit of units) {
		view.setUint32(at, unit.length);
		bytes.set(unit, at + LENGTH_BYTES);
		at += LENGTH_BYTES + unit.length;
	}
	return bytes;
}

/**
 * The AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3.1.2) of the parameter sets among `units`, for
 * access units as `lengthPrefixed` makes them; null when a sequence or a picture parameter set is missing.
 */
export function avcRecord(units: readonly Uint8Array[]): Uint8Array<ArrayBuffer> | null {
	const sequenceSets = units.filter((unit) => typeOf(unit) === NAL.sps);
	const pictureSets = units.filter((unit) => typeOf(unit) === NAL.pps);
	const [sps] = sequenceSets;
	if (!sps || sps.length < 5 || pictureSets.length === 0) return null;
	const [profile, compatibility, level] = sps.subarray(1, 4) as unknown as [number, number, number];
	const bytes = [1, profile, compatibility, level, 0xfc | (LENGTH_BYTES - 1), 0xe0 | sequenceSets.length];
	for (const set of sequenceSets) bytes.push(set.length >> 8, set.length & 0xff, ...set);
	bytes.push(pictureSets.length);
	for (const set of pictureSets) bytes.push(set.length >> 8, set.length & 0xff, ...set);
	if (HIGH_PROFILES.includes(profile)) {
		const { chroma, lumaDepth, chromaDepth } = sampleFormat(sps);
		bytes.push(0xfc | chroma, 0xf8 | (lumaDepth - 8), 0xf8 | (chromaDepth - 8), 0);
	}
	return Uint8Array.from(bytes);
}

/** What a sequence parameter set of a high profile says of its samples, ITU-T H.264 section 7.3.2.1.1. */
function sampleFormat(sps: Uint8Array): { chroma: number; lumaDepth: number; chromaDepth: number } {
	let at = 4 * 8; // after type, profile, constraints and level; no emulation prevention comes as early as this
	const bit = () => ((sps[at >> 3] ?? 0) >> (7 - (at++ & 7))) & 1;
	const exponential = () => {
		let zeros = 0;
		while (bit() === 0 && zeros < 16) zeros++;
		let value = 1;
		for (let i = 0; i < zeros; i++) value = value * 2 + bit();
		return value - 1;
	};
	exponential(); // seq_parameter_set_id
	const chroma = exponential();
	if (chroma === 3) bit(); // separate_colour_plane_flag
	return { chroma, lumaDepth: 8 + exponential(), chromaDepth: 8 + exponential() };
}

function typeOf(unit: Uint8Array): number {
	return (unit[0] ?? 0) & 0x1f;
}
