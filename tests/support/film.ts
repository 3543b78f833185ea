import {
	AV_LOG_QUIET,
	AVERROR_EAGAIN,
	AVERROR_EOF,
	Codec,
	CodecContext,
	FFmpegError,
	FormatContext,
	Frame,
	Log,
	Packet,
} from "node-av";
import { readPixelClock } from "#shared/pixel-clock.ts";

Log.setLevel(AV_LOG_QUIET);

/** What FFmpeg finds in a file. */
export interface Film {
	format: string;
	codec: string;
	width: number;
	height: number;
	/** As the file says, ms. */
	durationMs: number;
	/** Pictures it decodes to. */
	frames: number;
	/** Their presentation times, ms. */
	times: number[];
	/** What the clock in each picture shows; null where there is none. */
	clocks: (number | null)[];
}

/** Reads a file to its end and decodes all of it. Throws what FFmpeg has against it. */
export async function readFilm(path: string): Promise<Film> {
	await using input = new FormatContext();
	input.allocContext();
	FFmpegError.throwIfError(await input.openInput(path, null, null), "open");
	FFmpegError.throwIfError(await input.findStreamInfo(null), "probe");
	const [stream] = input.streams ?? [];
	if (!stream) throw new Error("no stream");
	const codec = Codec.findDecoder(stream.codecpar.codecId);
	if (!codec) throw new Error("no decoder");
	using decoder = new CodecContext();
	decoder.allocContext3(codec);
	decoder.parametersToContext(stream.codecpar);
	FFmpegError.throwIfError(await decoder.open2(codec), "open decoder");
	using packet = new Packet();
	packet.alloc();
	using frame = new Frame();
	frame.alloc();
	const times: number[] = [];
	const clocks: (number | null)[] = [];
	const receive = async () => {
		for (;;) {
			const code = await decoder.receiveFrame(frame);
			if (code === AVERROR_EAGAIN || code === AVERROR_EOF) return;
			FFmpegError.throwIfError(code, "receive");
			clocks.push(clockOf(frame));
		}
	};
	while ((await input.readFrame(packet)) >= 0) {
		times.push((Number(packet.pts) * 1000 * stream.timeBase.num) / stream.timeBase.den);
		FFmpegError.throwIfError(await decoder.sendPacket(packet), "decode");
		packet.unref();
		await receive();
	}
	await decoder.sendPacket(null);
	await receive();
	const { width, height } = stream.codecpar;
	const format = input.iformat?.name ?? "";
	return {
		format,
		codec: codec.name ?? "",
		width,
		height,
		durationMs: Number(input.duration) / 1000,
		frames: clocks.length,
		times,
		clocks,
	};
}

function clockOf(frame: Frame): number | null {
	const { width, height } = frame;
	const stride = frame.linesize[0] ?? width;
	const luma = frame.data?.[0] ?? new Uint8Array();
	const packed = new Uint8Array(width * height);
	for (let y = 0; y < height; y++) packed.set(luma.subarray(y * stride, y * stride + width), y * width);
	return readPixelClock(packed, { width, height, channels: 1 });
}
