import "./quiet-av.ts";
import {
	AV_CODEC_FLAG_GLOBAL_HEADER,
	AV_PICTURE_TYPE_I,
	AV_PICTURE_TYPE_NONE,
	AV_PIX_FMT_YUV420P,
	AVCOL_PRI_BT709,
	AVCOL_TRC_BT709,
	AVERROR_EAGAIN,
	Codec,
	CodecContext,
	FFmpegError,
	type Frame,
	Packet,
	Rational,
} from "node-av";
import type { H264Rendition } from "#shared/ladder.ts";
import { avcRecord, isKeySlice, isSlice, lengthPrefixed, nalUnits } from "./avcc.ts";
import type { EncodedPicture } from "./encoder.ts";
import { H264_CODECS, type H264Codec } from "./h264-codec.ts";
import type { RawFrame } from "./raw-frame.ts";
import { matrixOf, rangeOf } from "./scaler.ts";

const KEY_S = 10; // the longest time without a key; shorter is dearer (design: 5 s +15 %, 2 s +45 % of the bits)
const BUFFER_S = 1 / 4; // of the greatest rate: the largest frame takes the link this long

/** FFmpeg has no such encoder, or it does not open: of hardware too many may be. */
export class EncoderNotOpened extends Error {}

/** What the encoder needs of a rendition. */
export type H264Settings = Pick<H264Rendition, "width" | "height" | "crf" | "maxBps">;

/**
 * One H.264 stream: every picture given is encoded at once, and none is held back. A picture that is never given
 * leaves no gap: the next one builds on the last that was. Opens with the first picture. Bodies are NAL units, each
 * after its length in 4 bytes; keys (IDR) carry the avcC record.
 */
export class H264Encoder {
	readonly #settings: H264Settings;
	readonly #framesPerSecond: number;
	readonly #codec: H264Codec;
	#context: CodecContext | null = null;
	#config: Uint8Array | null = null;
	#count = 0n;
	#isBusy = false;
	#isClosed = false;

	/** Sides must be even. `framesPerSecond` is what the rate is reckoned with: at fewer pictures it takes less. */
	constructor(settings: H264Settings, framesPerSecond: number, codec: H264Codec = H264_CODECS.software) {
		this.#settings = settings;
		this.#framesPerSecond = framesPerSecond;
		this.#codec = codec;
	}

	/** As `Encoder` says. Rejects with `EncoderNotOpened` where the codec does not open; may be tried again then. */
	async encode(raw: RawFrame, { key }: { key: boolean }): Promise<EncodedPicture | null> {
		if (this.#isBusy) throw new Error("H.264 encoder: one picture at a time");
		if (this.#isClosed) return null;
		this.#isBusy = true;
		const release = raw.retain();
		try {
			const { width, height } = this.#settings;
			using picture = (await raw.yuv420p({ width, height })).clone();
			if (!picture) throw new Error("H.264 encoder: no memory for a picture");
			this.#context ??= await this.#open(picture);
			picture.format = AV_PIX_FMT_YUV420P; // the context knows the range
			picture.pts = this.#count++;
			picture.pictType = key ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
			FFmpegError.throwIfError(await this.#context.sendFrame(picture), "H.264 encode");
			using packet = new Packet();
			packet.alloc();
			// The work is done in sendFrame: this only fetches the result.
			const code = this.#context.receivePacketSync(packet);
			if (code === AVERROR_EAGAIN) throw new Error("H.264 encoder: holds pictures back");
			FFmpegError.throwIfError(code, "H.264 encode");
			return this.#accessUnit(nalUnits(packet.data ?? new Uint8Array(0)));
		} finally {
			release();
			this.#isBusy = false;
			if (this.#isClosed) this.#free();
		}
	}

	close(): void {
		this.#isClosed = true;
		if (!this.#isBusy) this.#free();
	}

	#accessUnit(units: Uint8Array[]): EncodedPicture {
		const slices = units.filter(isSlice);
		const isKey = slices.some(isKeySlice);
		if (isKey) this.#config = avcRecord(units) ?? this.#config;
		if (isKey && !this.#config) throw new Error("H.264 encoder: no parameter sets");
		return { body: lengthPrefixed(slices), isKey, config: isKey ? this.#config : null };
	}

	async #open(picture: Frame): Promise<CodecContext> {
		const { name } = this.#codec;
		const codec = Codec.findEncoderByName(name);
		if (!codec) throw new EncoderNotOpened(`H.264 encoder: no ${name} in this FFmpeg`);
		const { width, height, maxBps } = this.#settings;
		const rate = Math.round(this.#framesPerSecond * 1000);
		const context = new CodecContext();
		context.allocContext3(codec);
		context.width = width;
		context.height = height;
		context.pixelFormat = AV_PIX_FMT_YUV420P;
		context.colorRange = rangeOf(picture);
		context.colorSpace = matrixOf(picture);
		context.colorPrimaries = AVCOL_PRI_BT709;
		context.colorTrc = AVCOL_TRC_BT709;
		context.timeBase = new Rational(1000, rate);
		context.framerate = new Rational(rate, 1000);
		context.gopSize = Math.max(1, Math.round(KEY_S * this.#framesPerSecond));
		context.maxBFrames = 0;
		context.threadCount = 1; // more would hold pictures back, or cut them into slices that compress worse
		context.rcMaxRate = BigInt(maxBps);
		context.rcBufferSize = Math.round(maxBps * BUFFER_S);
		context.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER); // parameter sets once, not in every key
		const bitRate = this.#codec.bitRate(this.#settings);
		if (bitRate !== null) context.bitRate = BigInt(Math.round(bitRate));
		for (const [option, value] of Object.entries(this.#codec.options(this.#settings)))
			context.setOption(option, value);
		const code = await context.open2(codec);
		if (code < 0) {
			context.freeContext();
			throw new EncoderNotOpened(`H.264 encoder ${name}: ${FFmpegError.strerror(code)}`);
		}
		this.#config = avcRecord(nalUnits(context.extraData ?? new Uint8Array(0)));
		return context;
	}

	#free(): void {
		this.#context?.freeContext();
		this.#context = null;
	}
}
