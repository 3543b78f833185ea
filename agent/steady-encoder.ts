import { Log, wordsOf } from "#shared/log.ts";
import type { EncodedPicture, Encoder } from "./encoder.ts";
import { H264_CODECS, type H264Codec } from "./h264-codec.ts";
import { EncoderNotOpened, H264Encoder, type H264Settings } from "./h264-encoder.ts";
import type { RawFrame } from "./raw-frame.ts";

const log = new Log("agent");
const said = new Set<string>(); // demand comes and goes, and with it encoders: each finding is worth one line

/**
 * H.264 by the encoder of this machine; in software where that cannot be opened, for the probe opens one alone and some
 * cards have few sessions. Where the software cannot be opened either it makes nothing, and nobody else suffers.
 */
export class SteadyEncoder implements Encoder {
	readonly #settings: H264Settings;
	readonly #framesPerSecond: number;
	#encoder: H264Encoder | null;
	#isSoftware: boolean;
	#isClosed = false;

	constructor(settings: H264Settings, framesPerSecond: number, codec: H264Codec) {
		this.#settings = settings;
		this.#framesPerSecond = framesPerSecond;
		this.#encoder = new H264Encoder(settings, framesPerSecond, codec);
		this.#isSoftware = codec.name === H264_CODECS.software.name;
	}

	get isUnavailable(): boolean {
		return this.#encoder === null;
	}

	async encode(raw: RawFrame, wish: { key: boolean }): Promise<EncodedPicture | null> {
		const release = raw.retain(); // for the second try
		try {
			return (await this.#encoder?.encode(raw, wish)) ?? null;
		} catch (cause) {
			if (!(cause instanceof EncoderNotOpened)) throw cause;
			this.#fallBack(cause);
			return await this.encode(raw, wish);
		} finally {
			release();
		}
	}

	close(): void {
		this.#isClosed = true;
		this.#encoder?.close();
	}

	#fallBack(cause: EncoderNotOpened): void {
		this.#encoder?.close();
		const { width, height } = this.#settings;
		if (this.#isSoftware) {
			this.#encoder = null;
			return warnOnce("no H.264 of this size", { width, height, why: wordsOf(cause) });
		}
		this.#isSoftware = true;
		this.#encoder = new H264Encoder(this.#settings, this.#framesPerSecond, H264_CODECS.software);
		if (this.#isClosed) this.#encoder.close();
		warnOnce("encoding some H.264 in software", { why: wordsOf(cause) });
	}
}

function warnOnce(what: string, fields: Record<string, string | number>): void {
	const line = what + JSON.stringify(fields);
	if (said.has(line)) return;
	said.add(line);
	log.warn(what, fields);
}
