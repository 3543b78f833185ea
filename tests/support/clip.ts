import {
	AV_CODEC_FLAG_GLOBAL_HEADER,
	AV_CODEC_ID_H264,
	AV_CODEC_ID_MJPEG,
	AV_LOG_QUIET,
	AV_PIX_FMT_YUV420P,
	AV_PIX_FMT_YUVJ420P,
	AVERROR_EAGAIN,
	AVERROR_EOF,
	Codec,
	CodecContext,
	FFmpegError,
	FormatContext,
	Frame,
	Log,
	Packet,
	Rational,
	type Stream,
} from "node-av";
import { drawPixelClock } from "#shared/pixel-clock.ts";

Log.setLevel(AV_LOG_QUIET);

export interface ClipOptions {
	width: number;
	height: number;
	framesPerSecond: number;
	seconds: number;
	codec: "h264" | "mjpeg";
	/** Frames between key frames, default one second; H.264 only. */
	keyInterval?: number;
}

/**
 * Writes a video file of `seconds`; the container goes by the name's ending (.mp4, .mkv, .avi, .ts). Each frame is
 * grey with a pixel clock that shows its position in ms.
 */
export async function makeClip(path: string, options: ClipOptions): Promise<void> {
	const frameCount = Math.round(options.framesPerSecond * options.seconds);
	const muxer = new FormatContext();
	FFmpegError.throwIfError(muxer.allocOutputContext2(null, null, path), "output");
	const encoder = await openEncoder(options);
	const stream = muxer.newStream();
	stream.timeBase = encoder.timeBase;
	stream.avgFrameRate = encoder.framerate;
	FFmpegError.throwIfError(encoder.parametersFromContext(stream.codecpar), "parameters");
	FFmpegError.throwIfError(await muxer.openOutput(), "open");
	FFmpegError.throwIfError(await muxer.writeHeader(), "header");
	for (let index = 0; index < frameCount; index++) {
		const frame = drawFrame(index, options);
		FFmpegError.throwIfError(await encoder.sendFrame(frame), "encode");
		frame.free();
		await writePackets(encoder, muxer, stream);
	}
	await encoder.sendFrame(null);
	await writePackets(encoder, muxer, stream);
	FFmpegError.throwIfError(await muxer.writeTrailer(), "trailer");
	await muxer.closeOutput();
	muxer.freeContext();
	encoder.freeContext();
}

async function openEncoder(options: ClipOptions): Promise<CodecContext> {
	const { width, height, framesPerSecond, codec, keyInterval } = options;
	const found = Codec.findEncoder(codec === "h264" ? AV_CODEC_ID_H264 : AV_CODEC_ID_MJPEG);
	if (!found) throw new Error(`no ${codec} encoder`);
	const encoder = new CodecContext();
	encoder.allocContext3(found);
	encoder.width = width;
	encoder.height = height;
	encoder.pixelFormat = codec === "h264" ? AV_PIX_FMT_YUV420P : AV_PIX_FMT_YUVJ420P;
	encoder.timeBase = new Rational(1, framesPerSecond);
	encoder.framerate = new Rational(framesPerSecond, 1);
	encoder.gopSize = keyInterval ?? framesPerSecond;
	encoder.maxBFrames = 0;
	encoder.threadCount = 1;
	encoder.setFlags(AV_CODEC_FLAG_GLOBAL_HEADER);
	if (codec === "h264") {
		encoder.setOption("preset", "ultrafast");
		encoder.setOption("tune", "zerolatency");
	}
	FFmpegError.throwIfError(await encoder.open2(found), "open encoder");
	return encoder;
}

function drawFrame(index: number, { width, height, framesPerSecond, codec }: ClipOptions): Frame {
	const frame = new Frame();
	frame.alloc();
	frame.width = width;
	frame.height = height;
	frame.format = codec === "h264" ? AV_PIX_FMT_YUV420P : AV_PIX_FMT_YUVJ420P;
	FFmpegError.throwIfError(frame.getBuffer(1), "frame");
	const [luma, ...chroma] = frame.data ?? [];
	if (!luma) throw new Error("no memory for a frame");
	luma.fill(128);
	for (const plane of chroma) plane.fill(128);
	drawPixelClock(luma, { width, height, channels: 1 }, (index * 1000) / framesPerSecond);
	frame.pts = BigInt(index);
	return frame;
}

async function writePackets(encoder: CodecContext, muxer: FormatContext, stream: Stream): Promise<void> {
	for (;;) {
		const packet = new Packet();
		packet.alloc();
		const code = await encoder.receivePacket(packet);
		if (code === AVERROR_EAGAIN || code === AVERROR_EOF) {
			packet.free();
			return;
		}
		FFmpegError.throwIfError(code, "receive packet");
		packet.duration = 1n;
		packet.rescaleTs(encoder.timeBase, stream.timeBase);
		packet.streamIndex = stream.index;
		FFmpegError.throwIfError(await muxer.interleavedWriteFrame(packet), "write");
		packet.free();
	}
}
