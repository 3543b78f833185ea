import {
	AV_CODEC_FLAG_LOW_DELAY,
	AV_CODEC_ID_H264,
	AV_LOG_QUIET,
	Codec,
	CodecContext,
	FFmpegError,
	Frame,
	Log,
	Packet,
	Rational,
} from "node-av";
import { readPixelClock } from "#shared/pixel-clock.ts";

Log.setLevel(AV_LOG_QUIET);

/** A decoded picture; `frame` is the caller's to free. */
export interface Shown {
	frame: Frame;
	/** Low 32 bits of the time its pixel clock shows, null when unreadable. */
	time: number | null;
}

/** Decodes a stream of an avcC record and length-prefixed access units as a live player does. */
export class AvcPlayer implements Disposable {
	readonly #context: CodecContext;

	/** `config`: the avcC record. */
	constructor(config: Uint8Array) {
		const codec = Codec.findDecoder(AV_CODEC_ID_H264);
		if (!codec) throw new Error("no H.264 decoder");
		this.#context = new CodecContext();
		this.#context.allocContext3(codec);
		this.#context.extraData = Buffer.from(config);
		this.#context.threadCount = 1;
		this.#context.pktTimebase = new Rational(1, 1000);
		this.#context.setFlags(AV_CODEC_FLAG_LOW_DELAY);
		FFmpegError.throwIfError(this.#context.open2Sync(codec), "open decoder");
	}

	/** The picture of one access unit; throws when the decoder wants more first, or finds fault with it. */
	show(body: Uint8Array): Shown {
		using packet = new Packet();
		packet.alloc();
		packet.data = Buffer.from(body);
		FFmpegError.throwIfError(this.#context.sendPacketSync(packet), "decode");
		const frame = new Frame();
		frame.alloc();
		FFmpegError.throwIfError(this.#context.receiveFrameSync(frame), "no picture");
		if (frame.decodeErrorFlags !== 0) throw new Error("the picture is damaged");
		return {
			frame,
			time: readPixelClock(lumaOf(frame), { width: frame.width, height: frame.height, channels: 1 }),
		};
	}

	/** The time the picture of one access unit shows. */
	timeOf(body: Uint8Array): number | null {
		const { frame, time } = this.show(body);
		frame.free();
		return time;
	}

	[Symbol.dispose](): void {
		this.#context.freeContext();
	}
}

/** A copy of a frame's luma, without row padding. */
export function lumaOf(frame: Frame): Uint8Array {
	const { width, height } = frame;
	const [plane] = frame.data ?? [];
	const stride = frame.linesize[0] ?? 0;
	if (!plane) throw new Error("a frame without pixels");
	const luma = new Uint8Array(width * height);
	for (let y = 0; y < height; y++) luma.set(plane.subarray(y * stride, y * stride + width), y * width);
	return luma;
}
