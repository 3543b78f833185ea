import { expect, test } from "bun:test";
import {
	AV_LOG_QUIET,
	AVERROR_EAGAIN,
	Codec,
	CodecContext,
	Dictionary,
	FFmpegError,
	FormatContext,
	Frame,
	Log,
	Packet,
} from "node-av";
import { pixelClockAge, readPixelClock } from "#shared/pixel-clock.ts";
import { RtspServer } from "./rtsp-server.ts";
import { until } from "./until.ts";

Log.setLevel(AV_LOG_QUIET);

interface Picture {
	width: number;
	height: number;
	ageMs: number | null;
}

/** Opens the stream with FFmpeg's own RTSP client and decodes it until it ends or breaks. */
async function* play(url: string): AsyncGenerator<Picture> {
	await using input = new FormatContext();
	const options = Dictionary.fromObject({ rtsp_transport: "tcp", timeout: "2000000", fpsprobesize: "0" });
	FFmpegError.throwIfError(await input.openInput(url, null, options), "open");
	FFmpegError.throwIfError(await input.findStreamInfo(), "probe");
	const [stream] = input.streams ?? [];
	if (!stream) throw new Error("no stream");
	const codec = Codec.findDecoder(stream.codecpar.codecId);
	if (!codec) throw new Error("no decoder");
	using decoder = new CodecContext();
	decoder.allocContext3(codec);
	decoder.parametersToContext(stream.codecpar);
	decoder.threadCount = 1;
	FFmpegError.throwIfError(await decoder.open2(codec), "open decoder");
	using packet = new Packet();
	packet.alloc();
	using frame = new Frame();
	frame.alloc();
	while ((await input.readFrame(packet)) >= 0) {
		FFmpegError.throwIfError(await decoder.sendPacket(packet), "decode");
		packet.unref();
		const code = await decoder.receiveFrame(frame);
		if (code === AVERROR_EAGAIN) continue;
		FFmpegError.throwIfError(code, "receive");
		yield read(frame);
	}
}

function read(frame: Frame): Picture {
	const { width, height } = frame;
	const stride = frame.linesize[0] ?? width;
	const luma = frame.data?.[0] ?? new Uint8Array();
	const packed = new Uint8Array(width * height);
	for (let y = 0; y < height; y++) packed.set(luma.subarray(y * stride, y * stride + width), y * width);
	const time = readPixelClock(packed, { width, height, channels: 1 });
	return { width, height, ageMs: time === null ? null : pixelClockAge(time, Date.now()) };
}

async function next(pictures: AsyncGenerator<Picture>): Promise<Picture> {
	const { value } = await pictures.next();
	if (!value) throw new Error("the stream has ended");
	return value;
}

test("FFmpeg plays the stream, sees its death, and plays it again from the same address", async () => {
	await using server = await RtspServer.start();
	const pictures = play(server.url);
	expect(await next(pictures)).toMatchObject({ width: 640, height: 360 });
	for (let i = 0; i < 25; i++) await next(pictures); // those that piled up while FFmpeg probed
	expect((await next(pictures)).ageMs).toBeLessThan(100);
	await server.kill();
	while (!(await pictures.next()).done);
	await expect(next(play(server.url))).rejects.toThrow(/refused/i);
	await server.restart();
	expect((await next(play(server.url))).ageMs).not.toBeNull();
}, 20_000);

test("the picture changes size within a stream, and a stream can ask for credentials", async () => {
	await using server = await RtspServer.start({ credentials: { name: "eye", password: "lid" } });
	await expect(next(play(server.url))).rejects.toThrow(/unauthorized/i);
	const pictures = play(server.url.replace("//", "//eye:lid@"));
	await next(pictures);
	await server.resize(320, 180);
	const small = await until(async () => (await next(pictures)).width === 320, {
		what: "a small picture",
		intervalMs: 0,
	});
	expect(small).toBe(true);
	await pictures.return(undefined);
}, 20_000);
