import {
	AV_CODEC_ID_H264,
	AV_LOG_QUIET,
	AV_PICTURE_TYPE_I,
	AV_PICTURE_TYPE_NONE,
	AV_PIX_FMT_YUV420P,
	AVERROR_EAGAIN,
	Codec,
	CodecContext,
	FFmpegError,
	Frame,
	Log,
	Packet,
	Rational,
} from "node-av";
import { drawPixelClock } from "#shared/pixel-clock.ts";

Log.setLevel(AV_LOG_QUIET);

/** A camera's picture size and rate. */
export interface PictureFormat {
	width: number;
	height: number;
	framesPerSecond: number;
}

/** Grey pictures with a pixel clock as H.264, Annex B, parameter sets before every key picture. */
export class H264Pictures implements Disposable {
	#count = 0;
	readonly #format: PictureFormat;
	readonly #encoder: CodecContext;

	private constructor(format: PictureFormat, encoder: CodecContext) {
		this.#format = format;
		this.#encoder = encoder;
	}

	/** A key picture once a second. */
	static async open(format: PictureFormat): Promise<H264Pictures> {
		const { width, height, framesPerSecond } = format;
		const codec = Codec.findEncoder(AV_CODEC_ID_H264);
		if (!codec) throw new Error("no H.264 encoder");
		const encoder = new CodecContext();
		encoder.allocContext3(codec);
		encoder.width = width;
		encoder.height = height;
		encoder.pixelFormat = AV_PIX_FMT_YUV420P;
		encoder.timeBase = new Rational(1, framesPerSecond);
		encoder.framerate = new Rational(framesPerSecond, 1);
		encoder.gopSize = framesPerSecond;
		encoder.maxBFrames = 0;
		encoder.threadCount = 1;
		encoder.setOption("preset", "ultrafast");
		encoder.setOption("tune", "zerolatency");
		encoder.setOption("forced-idr", "1");
		FFmpegError.throwIfError(await encoder.open2(codec), "open encoder");
		return new H264Pictures(format, encoder);
	}

	/** The next picture, its clock showing `timeMs`. */
	async next(timeMs: number, kind: "key" | "any"): Promise<Buffer> {
		const { width, height } = this.#format;
		using frame = new Frame();
		frame.alloc();
		frame.width = width;
		frame.height = height;
		frame.format = AV_PIX_FMT_YUV420P;
		FFmpegError.throwIfError(frame.getBuffer(1), "frame");
		const [luma, ...chroma] = frame.data ?? [];
		if (!luma) throw new Error("no memory for a frame");
		luma.fill(60 + ((this.#count * 4) % 128));
		for (const plane of chroma) plane.fill(128);
		drawPixelClock(luma, { width, height, channels: 1 }, timeMs);
		frame.pts = BigInt(this.#count++);
		frame.pictType = kind === "key" ? AV_PICTURE_TYPE_I : AV_PICTURE_TYPE_NONE;
		FFmpegError.throwIfError(await this.#encoder.sendFrame(frame), "encode");
		return await this.#packet();
	}

	[Symbol.dispose](): void {
		this.#encoder.freeContext();
	}

	async #packet(): Promise<Buffer> {
		using packet = new Packet();
		packet.alloc();
		const code = await this.#encoder.receivePacket(packet);
		if (code === AVERROR_EAGAIN) throw new Error("the encoder holds a picture back");
		FFmpegError.throwIfError(code, "receive packet");
		return Buffer.from(packet.data ?? []);
	}
}
