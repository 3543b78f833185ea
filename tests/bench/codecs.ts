// What each rung of both ladders takes and gives: rate, likeness, CPU; and the rates of equally good pictures.
// A scene with a camera's noise; SSIM is of luma against the scene without the noise, after upscaling to its size.
import {
	AV_CODEC_ID_MJPEG,
	AV_PIX_FMT_YUV420P,
	AVCOL_RANGE_MPEG,
	AVCOL_SPC_BT709,
	AVMEDIA_TYPE_VIDEO,
	CodecParameters,
	FFmpegError,
	type Frame,
	Packet,
	SoftwareScaleContext,
} from "node-av";
import {
	type H264Rendition,
	ladderOf,
	type Rendition,
	renditionName,
	renditionsFor,
} from "#shared/ladder.ts";
import { Decoder } from "../../agent/decoder.ts";
import { H264Encoder } from "../../agent/h264-encoder.ts";
import { encodeJpeg } from "../../agent/jpeg-encoder.ts";
import { RawFrame } from "../../agent/raw-frame.ts";
import { Scaler } from "../../agent/scaler.ts";
import { AvcPlayer, lumaOf } from "../support/avc-player.ts";
import { numberOption, report, rounded, textOption } from "./report.ts";
import { allocate, drawnScene, filmedScene, Noise } from "./scene.ts";
import { ssim } from "./ssim.ts";

const clip = textOption("clip");
const count = numberOption("frames", 120);
const lines = numberOption("lines", 720);
const sigma = numberOption("noise", 2.3); // of 255: a camera by day; 5.2 in dim light
const SETTLING = Math.min(30, Math.floor(count / 2)); // frames: the first key and what follows from it count apart
const LOOKED_AT = 5; // every fifth frame
const CRFS = [20, 23, 26, 29, 32, 36, 40];
const MATCHED_QUALITY = 50;

interface Measured {
	kbps: number;
	ssim: number;
	/** CPU of conversion and encoding, ms a frame, all threads. */
	cpuMs: number;
	/** Mean of the first frame, and the largest after it. */
	keyKilobytes: number;
	largestKilobytes: number;
}

/** Encodes one frame after another; says what each became. */
interface Coder {
	encode(raw: RawFrame): Promise<Uint8Array>;
	/** The picture of the newest body. */
	decode(body: Uint8Array): Promise<Frame>;
	close(): void;
}

const size = { width: Math.round((lines * 16) / 9 / 2) * 2, height: lines };
const scene = clip
	? await filmedScene(clip, count)
	: { frames: drawnScene(size, { frames: count, framesPerSecond: 30 }), framesPerSecond: 30 };
const [first] = scene.frames;
if (!first) throw new Error("no frames");
const source = { width: first.width, height: first.height };
const noise = new Noise(sigma);
const noisy = scene.frames.map((frame) => noise.added(frame));
const truths = await Promise.all(
	scene.frames.map(async (frame, number) => (number % LOOKED_AT === 0 ? await lumaAtSource(frame) : null)),
);

const renditions = renditionsFor(source);
const rungs = [...ladderOf(renditions, "jpeg"), ...ladderOf(renditions, "h264")];
const rows = [];
for (const rung of rungs) rows.push({ rung: renditionName(rung), id: rung.id, ...(await measure(rung)) });

const matched = renditions.find(
	(one) => one.codec === "jpeg" && one.offer === "request" && one.quality === MATCHED_QUALITY,
)!;
const jpeg = await measure(matched);
const curve = [];
for (const crf of CRFS) curve.push({ crf, ...(await measure(uncapped(crf))) });
const h264Kbps = rateAt(jpeg.ssim, curve);
const match = {
	jpeg: renditionName(matched),
	ssim: jpeg.ssim,
	jpegKbps: jpeg.kbps,
	h264Kbps,
	timesFewer: h264Kbps === null ? null : rounded(jpeg.kbps / h264Kbps),
};
const words =
	h264Kbps === null ? "is beyond every crf tried" : `takes ${h264Kbps} kbit/s: ${match.timesFewer}x fewer`;
console.log(`the SSIM of ${match.jpeg}, ${match.ssim} at ${match.jpegKbps} kbit/s, as H.264 ${words}`);
report(rows, { bench: "codecs", source, frames: scene.frames.length, sigma, rungs: rows, match, curve });

async function measure(rendition: Rendition): Promise<Measured> {
	const coder = rendition.codec === "jpeg" ? jpegCoder(rendition) : h264Coder(rendition);
	const scaler = new Scaler();
	const sizes: number[] = [];
	let cpu = 0;
	let likeness = 0;
	let looked = 0;
	for (const [number, frame] of noisy.entries()) {
		using raw = new RawFrame(frame.clone()!, 0, scaler);
		const before = process.cpuUsage();
		const body = await coder.encode(raw);
		const { user, system } = process.cpuUsage(before);
		if (number >= SETTLING) cpu += (user + system) / 1000;
		sizes.push(body.length);
		const truth = truths[number];
		if (!truth && rendition.codec === "jpeg") continue;
		const picture = await coder.decode(body);
		if (truth && number >= SETTLING) {
			likeness += ssim(truth, await lumaAtSource(picture), source);
			looked++;
		}
		picture.free();
	}
	coder.close();
	scaler.close();
	const settled = sizes.slice(SETTLING);
	const bytes = settled.reduce((sum, one) => sum + one, 0) / settled.length;
	return {
		kbps: Math.round((bytes * 8 * scene.framesPerSecond) / 1000),
		ssim: rounded(likeness / looked, 4),
		cpuMs: rounded(cpu / settled.length, 2),
		keyKilobytes: rounded((sizes[0] ?? 0) / 1000),
		largestKilobytes: rounded(Math.max(...sizes.slice(1)) / 1000),
	};
}

function jpegCoder(rendition: Extract<Rendition, { codec: "jpeg" }>): Coder {
	const parameters = new CodecParameters();
	parameters.alloc();
	parameters.codecType = AVMEDIA_TYPE_VIDEO;
	parameters.codecId = AV_CODEC_ID_MJPEG;
	const decoder = Decoder.open(parameters, { live: true });
	return {
		encode: (raw) => encodeJpeg(raw, rendition),
		async decode(body) {
			using packet = new Packet();
			packet.alloc();
			packet.data = Buffer.from(body);
			const { pictures } = await (await decoder).decode(packet);
			return pictures[0]!;
		},
		close: () => void decoder.then((one) => one.close()),
	};
}

function h264Coder(rendition: H264Rendition): Coder {
	const encoder = new H264Encoder(rendition, scene.framesPerSecond);
	let player: AvcPlayer | null = null;
	return {
		async encode(raw) {
			const unit = await encoder.encode(raw, { key: false });
			if (unit?.config) player ??= new AvcPlayer(unit.config);
			return unit!.body;
		},
		decode: async (body) => player!.show(body).frame,
		close() {
			encoder.close();
			player?.[Symbol.dispose]();
		},
	};
}

/** Luma in the scene's size, enlarged as browsers do, in the one range and matrix everything is compared in. */
async function lumaAtSource(picture: Frame): Promise<Uint8Array> {
	const scaled = allocate(source, AV_PIX_FMT_YUV420P);
	scaled.colorRange = AVCOL_RANGE_MPEG;
	scaled.colorSpace = AVCOL_SPC_BT709;
	const converter = new SoftwareScaleContext();
	converter.allocContext();
	converter.setOption("sws_flags", "bilinear");
	FFmpegError.throwIfError(await converter.scaleFrame(scaled, picture), "scale");
	converter.freeContext();
	const luma = lumaOf(scaled);
	scaled.free();
	return luma;
}

function uncapped(crf: number): H264Rendition {
	const top = ladderOf(renditions, "h264").at(-1)!;
	return { ...top, crf, maxBps: 50_000_000 };
}

/** The rate that gives this SSIM, between the two measured ones around it; null outside of them. */
function rateAt(target: number, measured: readonly { kbps: number; ssim: number }[]): number | null {
	for (const [index, better] of measured.entries()) {
		const worse = measured[index + 1];
		if (!worse || better.ssim < target || worse.ssim > target) continue;
		const share = (target - worse.ssim) / (better.ssim - worse.ssim || 1);
		return Math.round(worse.kbps * (better.kbps / worse.kbps) ** share);
	}
	return null;
}
