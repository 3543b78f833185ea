import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { decodeAck, encodeAck } from "#shared/ack.ts";
import { ProtocolError } from "#shared/errors.ts";
import {
	decodeHeader,
	encodeHeader,
	type FrameHeader,
	HEADER_BYTES,
	messageType,
	stampDelivery,
	stampRelayTime,
	viewOf,
} from "#shared/frame.ts";
import { decodePing, decodePong, encodePing, encodePong } from "#shared/ping.ts";
import {
	checkVersion,
	parseAgentMessage,
	parseJson,
	parseToAgentMessage,
	parseToViewerMessage,
	parseViewerMessage,
} from "#shared/protocol.ts";
import vectors from "#shared/vectors.json";

const decode = { frame: decodeHeader, ack: decodeAck, ping: decodePing, pong: decodePong };
const parse: Record<string, (value: unknown) => unknown> = {
	agent: parseAgentMessage,
	viewer: parseViewerMessage,
	toAgent: parseToAgentMessage,
	toViewer: parseToViewerMessage,
};

function encode(kind: string, value: unknown): Uint8Array {
	if (kind === "frame") {
		const header = value as Omit<FrameHeader, "config"> & { config: string | null };
		return encodeHeader({ ...header, config: header.config ? Uint8Array.fromHex(header.config) : null });
	}
	if (kind === "ack") return encodeAck(value as Parameters<typeof encodeAck>[0]);
	if (kind === "ping") return encodePing(value as Parameters<typeof encodePing>[0]);
	return encodePong(value as Parameters<typeof encodePong>[0]);
}

function plain(kind: string, bytes: Uint8Array): unknown {
	const value = decode[kind as keyof typeof decode](bytes);
	return "config" in value ? { ...value, config: value.config?.toHex() ?? null } : value;
}

describe("test vectors", () => {
	test.each(vectors.binary.map((row) => [row.name, row] as const))("%s", (_, { kind, value, hex }) => {
		expect(encode(kind, value).toHex()).toBe(hex);
		expect(plain(kind, Uint8Array.fromHex(hex))).toEqual(value);
		expect(messageType(Uint8Array.fromHex(hex))).toBe(kind as "frame");
	});

	test.each(vectors.malformed.map((row) => [row.name, row] as const))(
		"refuses %s",
		(_, { kind, hex, error }) => {
			const bytes = Uint8Array.fromHex(hex);
			expect(() => decode[kind as keyof typeof decode](bytes)).toThrow(ProtocolError);
			expect(() => decode[kind as keyof typeof decode](bytes)).toThrow(error);
		},
	);

	for (const [who, messages] of Object.entries(vectors.text))
		test(`text messages of ${who} survive reading and writing`, () => {
			for (const message of messages) {
				expect(parse[who]!(parseJson(JSON.stringify(message)))).toEqual(message);
				expect(parse[who]!({ ...message, fieldFromTheFuture: 1 })).toEqual(message);
			}
		});

	test.each(vectors.badText.map((row) => [row.error, row] as const))("names %s", (error, { who, value }) => {
		expect(() => parse[who]!(value)).toThrow(ProtocolError);
		expect(() => parse[who]!(value)).toThrow(error);
	});
});

const u16 = fc.integer({ min: 0, max: 0xffff });
const u32 = fc.integer({ min: 0, max: 0xffff_ffff });
const instant = fc.double({ noNaN: true, noDefaultInfinity: true });
const anyHeader = fc.record<FrameHeader>({
	channel: u16,
	rendition: u16,
	codec: fc.constantFrom("jpeg", "h264"),
	isKey: fc.boolean(),
	isCached: fc.boolean(),
	epoch: u32,
	seq: u32,
	delivery: u32,
	bodyBytes: fc.integer({ min: 1, max: 0xffff_ffff }),
	width: fc.integer({ min: 1, max: 0xffff }),
	height: fc.integer({ min: 1, max: 0xffff }),
	captureTime: instant,
	encodeMs: u32.map((ticks) => ticks / 10),
	relayTime: instant,
	sendTime: instant,
	config: fc.option(fc.uint8Array({ minLength: 1, maxLength: 4096 })),
});

describe("properties", () => {
	test("every header reads back as it was written", () => {
		fc.assert(
			fc.property(anyHeader, (header) => {
				expect(decodeHeader(encodeHeader(header))).toEqual(header);
			}),
		);
	});

	test("stamping changes the stamped fields and nothing else", () => {
		fc.assert(
			fc.property(anyHeader, u32, instant, fc.boolean(), (header, delivery, time, isCached) => {
				const bytes = encodeHeader(header);
				stampRelayTime(viewOf(bytes), time);
				stampDelivery(viewOf(bytes), { delivery, sendTime: time, isCached });
				const stamped = { ...header, delivery, relayTime: time, sendTime: time, isCached };
				expect(decodeHeader(bytes)).toEqual(stamped);
			}),
		);
	});

	test("acks keep their times to a tenth of a millisecond, modulo the wrap", () => {
		fc.assert(
			fc.property(u32, fc.double({ min: 0, max: 1e15, noNaN: true }), (delivery, time) => {
				const ack = decodeAck(encodeAck({ delivery, headerTime: time, bodyTime: time }));
				const wrapped = time % (2 ** 32 / 10);
				const distance = Math.abs(ack.bodyTime - wrapped);
				expect(Math.min(distance, 2 ** 32 / 10 - distance)).toBeLessThan(0.2);
				expect(ack.delivery).toBe(delivery);
			}),
		);
	});

	test("any bytes are read or refused with a ProtocolError", () => {
		const bytes = fc.oneof(
			fc.uint8Array({ maxLength: 200 }),
			fc.tuple(anyHeader, fc.nat(HEADER_BYTES - 1), fc.nat(255)).map(([header, at, value]) => {
				const message = encodeHeader(header);
				message[at] = value;
				return message;
			}),
		);
		fc.assert(
			fc.property(bytes, (message) => {
				for (const read of [...Object.values(decode), messageType])
					try {
						read(message);
					} catch (error) {
						expect(error).toBeInstanceOf(ProtocolError);
					}
			}),
			{ numRuns: 1000 },
		);
	});

	test("any JSON is a message or refused with a ProtocolError", () => {
		const types = fc.constantFrom(
			"hello",
			"publish",
			"camera",
			"have",
			"stats",
			"watch",
			"demand",
			"cameras",
		);
		const almost = fc.tuple(types, fc.dictionary(fc.string(), fc.jsonValue())).map(([type, rest]) => ({
			cameras: [],
			...rest,
			type,
		}));
		fc.assert(
			fc.property(fc.oneof(fc.jsonValue(), almost), (value) => {
				for (const read of Object.values(parse))
					try {
						expect(read(value)).toHaveProperty("type");
					} catch (error) {
						expect(error).toBeInstanceOf(ProtocolError);
					}
			}),
			{ numRuns: 1000 },
		);
	});
});

test("a viewer that does not say what it decodes decodes JPEG", () => {
	const watch = { type: "watch", mode: "balanced", rememberedBps: null, cameras: [] };
	expect(parseViewerMessage(watch)).toHaveProperty("codecs", ["jpeg"]);
	const camera = { id: "bench", rendition: null, maxLines: null, maxFramesPerSecond: null, isFocused: false };
	expect(parseViewerMessage({ ...watch, cameras: [camera] })).toHaveProperty("cameras", [
		{ ...camera, codecs: null },
	]);
});

test("text that is not JSON is refused", () => {
	expect(() => parseJson("{")).toThrow(ProtocolError);
});

test("another protocol version is refused in words that say who has to update", () => {
	expect(() => checkVersion(1)).not.toThrow();
	expect(() => checkVersion(0)).toThrow("your side is older");
	expect(() => checkVersion(2)).toThrow("this side is older");
	expect(() => checkVersion(Number.NaN)).toThrow(ProtocolError);
});
