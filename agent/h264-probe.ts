import { Log, wordsOf } from "#shared/log.ts";
import { H264_CODECS, type H264Codec, type H264CodecName } from "./h264-codec.ts";
import { H264Encoder } from "./h264-encoder.ts";
import { RawFrame } from "./raw-frame.ts";
import { Scaler } from "./scaler.ts";

const SIZE = { width: 640, height: 360 };
const FRAMES = 6;
const KEY_AT = 4;
const PROBE_MS = 3_000; // a driver that hangs is none

const log = new Log("agent");

/**
 * The encoder to use: the one named, or with `auto` the first of the hardware that works here, else the software.
 * Tries before it believes, and says in one line when it is not what was asked for.
 */
export async function chooseCodec(wish: H264CodecName | "auto"): Promise<H264Codec> {
	const candidates = (Object.keys(H264_CODECS) as H264CodecName[]).filter((name) =>
		wish === "auto" ? name !== "software" : name === wish,
	);
	const refusals: string[] = [];
	for (const name of candidates) {
		if (name === "software") return H264_CODECS.software;
		const fault = await faultOf(H264_CODECS[name]);
		if (fault === null) {
			log.info("encoding H.264 in hardware", { encoder: name });
			return H264_CODECS[name];
		}
		refusals.push(`${name}: ${fault}`);
	}
	log[wish === "auto" ? "info" : "warn"]("encoding H.264 in software", { why: refusals.join("; ") });
	return H264_CODECS.software;
}

/** What keeps an encoder from serving live pictures here; null when each comes at once and keys come when asked. */
export async function faultOf(codec: H264Codec): Promise<string | null> {
	const late = Promise.withResolvers<string>();
	const timer = setTimeout(() => late.resolve(`no picture within ${PROBE_MS / 1000} s`), PROBE_MS);
	try {
		return await Promise.race([tried(codec), late.promise]);
	} catch (cause) {
		return wordsOf(cause);
	} finally {
		clearTimeout(timer);
	}
}

async function tried(codec: H264Codec): Promise<string | null> {
	const scaler = new Scaler();
	const encoder = new H264Encoder({ ...SIZE, crf: 26, maxBps: 1_000_000 }, 30, codec);
	const pixels = new Uint8Array(SIZE.width * SIZE.height * 1.5);
	try {
		for (let number = 0; number < FRAMES; number++) {
			pixels.fill(40 + 20 * number);
			using raw = RawFrame.fromPixels(pixels, { ...SIZE, format: "yuvj420p" }, 0, scaler);
			const isAsked = number === KEY_AT;
			const unit = await encoder.encode(raw, { key: isAsked });
			if (unit?.isKey !== (isAsked || number === 0)) return "keys do not come when asked for";
		}
		return null;
	} finally {
		encoder.close();
		scaler.close();
	}
}
