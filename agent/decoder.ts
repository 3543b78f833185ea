import "./quiet-av.ts";
import {
	AV_CODEC_FLAG_LOW_DELAY,
	AV_CODEC_ID_MJPEG,
	AV_FRAME_FLAG_CORRUPT,
	AVERROR_EAGAIN,
	AVERROR_EOF,
	Codec,
	CodecContext,
	type CodecParameters,
	FFmpegError,
	Frame,
	type Packet,
} from "node-av";
import { isAcceptableSize, MAX_DECODED_PIXELS } from "./limits.ts";
import { SourceError } from "./source-error.ts";

/** Packets in, pictures out, off the main thread, on one thread of FFmpeg: more of them hold pictures back. */
export class Decoder {
	readonly #context: CodecContext;

	private constructor(context: CodecContext) {
		this.#context = context;
	}

	/** Throws SourceError "unsupported" when there is no decoder for it. The caller closes it. */
	static async open(parameters: CodecParameters, { live }: { live: boolean }): Promise<Decoder> {
		const codec = Codec.findDecoder(parameters.codecId);
		if (!codec) throw new SourceError("unsupported", `no decoder for codec ${parameters.codecId}`);
		const context = new CodecContext();
		context.allocContext3(codec);
		context.parametersToContext(parameters);
		context.threadCount = 1;
		context.setOption("max_pixels", MAX_DECODED_PIXELS);
		// A JPEG cut short would otherwise count as a picture, half of it green.
		if (parameters.codecId === AV_CODEC_ID_MJPEG) context.setOption("err_detect", "explode");
		if (live) context.setFlags(AV_CODEC_FLAG_LOW_DELAY);
		const code = await context.open2(codec);
		if (code < 0) {
			context.freeContext();
			throw new SourceError("unsupported", `decoder ${codec.name}: ${FFmpegError.strerror(code)}`);
		}
		return new Decoder(context);
	}

	/**
	 * Decodes one packet, or with null what the decoder still holds, which ends it until `reset`.
	 * The pictures are in order of presentation and belong to the caller; `failed` when something was undecodable.
	 */
	async decode(packet: Packet | null): Promise<{ pictures: Frame[]; failed: boolean }> {
		const sent = await this.#context.sendPacket(packet);
		const pictures: Frame[] = [];
		let failed = sent < 0 && sent !== AVERROR_EOF;
		for (;;) {
			const frame = new Frame();
			frame.alloc();
			// The work is done in sendPacket: this only fetches the result.
			const code = this.#context.receiveFrameSync(frame);
			if (code >= 0 && isIntact(frame)) {
				pictures.push(frame);
				continue;
			}
			frame.free();
			if (code === AVERROR_EAGAIN || code === AVERROR_EOF) return { pictures, failed };
			failed = true;
			if (code < 0) return { pictures, failed };
		}
	}

	/** Forgets all that went before: the next packet must be a key picture. */
	reset(): void {
		this.#context.flushBuffers();
	}

	close(): void {
		this.#context.freeContext();
	}
}

function isIntact(frame: Frame): boolean {
	const isDamaged = frame.hasFlags(AV_FRAME_FLAG_CORRUPT) || frame.decodeErrorFlags !== 0;
	return !isDamaged && isAcceptableSize(frame.width, frame.height);
}
