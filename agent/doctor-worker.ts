import { constants } from "node:fs";
import { access, readdir } from "node:fs/promises";
import { type Finding, ok, problem, warning } from "#shared/finding.ts";
import type { Rendition } from "#shared/ladder.ts";
import { wordsOf } from "#shared/log.ts";
import { avVersion } from "./av-version.ts";
import { type AgentConfig, type CameraConfig, readConfig } from "./config.ts";
import { H264_CODECS, type H264CodecName } from "./h264-codec.ts";
import { faultOf } from "./h264-probe.ts";
import { encodeJpeg } from "./jpeg-encoder.ts";
import { RawFrame } from "./raw-frame.ts";
import { Scaler } from "./scaler.ts";
import { openSource, SourceError, type SourceFormat } from "./source.ts";
import type { SourceErrorReason } from "./source-error.ts";
import { describeSource } from "./source-spec.ts";
import { listWebcams } from "./webcam.ts";
import type { Webcam } from "./webcam-choice.ts";

const FIRST_PICTURE_MS = 20_000; // longer than a source takes to give up by itself
const MODES_TOLD = 4;
const JPEG_SIZE = { width: 64, height: 64 };

const ADVICE: Record<SourceErrorReason, string> = {
	"not-found": "the path or address is wrong",
	"no-device": "plug it in; bun run agent --list names those that are there",
	busy: "another program has it, perhaps an agent that runs already",
	permission:
		"the login or the rights are wrong: USER:PASSWORD@HOST in the address; for a webcam the group video",
	refused: "is it switched on, is the address right, does it allow one more viewer?",
	"timed-out": "is the address right, does a firewall stand between?",
	ended: "the source ended before its first picture",
	"bad-data": "what comes is no video this agent reads",
	unsupported: "another stream or mode of the camera may work",
	hung: "unplug the camera and plug it in again, or restart its driver",
};

// Examines what native code does; a process of its own, so that a crash in it is one more finding.
const config = readConfig();
for await (const finding of findings(config)) process.send?.(finding);
process.exit(0);

async function* findings({ encoder, cameras }: AgentConfig): AsyncGenerator<Finding, void> {
	yield ok("FFmpeg", avVersion());
	yield await jpegFinding();
	for (const name of Object.keys(H264_CODECS) as H264CodecName[]) yield await h264Finding(name, encoder);
	const webcams = await listWebcams();
	for (const webcam of webcams) yield webcamFinding(webcam);
	const closed = await closedDevices();
	if (closed.length > 0)
		yield warning(
			"webcams",
			`may not be used: ${closed.join(" ")}`,
			"sudo usermod -aG video $USER, then log in anew",
		);
	const needsNone = cameras.every(({ spec }) => spec !== null && spec.kind !== "webcam");
	if (webcams.length === 0 && closed.length === 0)
		yield needsNone
			? ok("webcams", "none, and none is asked for")
			: warning(
					"webcams",
					"none found",
					"plug one in, or CAMERA=rtsp://... ; without any the test card is shown",
				);
	const opened = cameras.filter(({ spec }) => spec !== null || webcams.length > 0).map(cameraFinding);
	for (const finding of opened) yield await finding;
}

async function jpegFinding(): Promise<Finding> {
	const scaler = new Scaler();
	const pixels = new Uint8Array(JPEG_SIZE.width * JPEG_SIZE.height * 3);
	try {
		using raw = RawFrame.fromPixels(pixels, { ...JPEG_SIZE, format: "rgb24" }, 0, scaler);
		const rendition = { ...JPEG_SIZE, quality: 50 } satisfies Partial<Rendition>;
		await encodeJpeg(raw, rendition);
		return ok("JPEG", "encodes");
	} catch (cause) {
		return problem("JPEG", wordsOf(cause), "install anew: bun install");
	} finally {
		scaler.close();
	}
}

async function h264Finding(name: H264CodecName, wish: AgentConfig["encoder"]): Promise<Finding> {
	const topic = `H.264 ${name}`;
	const fault = await faultOf(H264_CODECS[name]);
	const isChosen = wish === name || (name === "software" && wish === "auto");
	if (fault === null)
		return ok(topic, isChosen || wish === "auto" ? "works" : `works; ENCODER=${name} would use it`);
	if (name === "software") return problem(topic, fault, "install anew: bun install");
	if (!isChosen) return ok(topic, `not here (${fault})`);
	return warning(topic, fault, `ENCODER=${name} falls back to software; ENCODER=auto takes what works`);
}

function webcamFinding({ id, name, modes }: Webcam): Finding {
	const sizes = new Map<string, number>();
	for (const { width, height, maxFramesPerSecond } of modes) {
		const size = `${width}x${height}`;
		sizes.set(size, Math.max(sizes.get(size) ?? 0, Math.round(maxFramesPerSecond)));
	}
	const told = [...sizes].slice(0, MODES_TOLD).map(([size, rate]) => `${size} at ${rate}`);
	const more = sizes.size > MODES_TOLD ? ` and ${sizes.size - MODES_TOLD} more sizes` : "";
	return ok("webcam", `${name}: ${told.join(", ") || "tells no modes"}${more}; CAMERA="webcam:${id}"`);
}

/** Video devices that are there and that this person may not open; a system without /dev/video* has none. */
async function closedDevices(): Promise<string[]> {
	const names = (await readdir("/dev").catch(() => [])).filter((name) => /^video\d+$/.test(name));
	const paths = names.map((name) => `/dev/${name}`);
	const closed = paths.map((path) =>
		access(path, constants.R_OK | constants.W_OK).then(
			() => [],
			() => [path],
		),
	);
	return (await Promise.all(closed)).flat();
}

/** Opens a source as the agent would and waits for its first picture. */
async function cameraFinding({ id, spec }: CameraConfig): Promise<Finding> {
	const given = spec ?? { kind: "webcam", device: null, size: null, framesPerSecond: null };
	const topic = `camera ${id}`;
	const startTime = performance.now();
	const timer = new AbortController();
	const patience = setTimeout(() => timer.abort(), FIRST_PICTURE_MS);
	let format: SourceFormat | null = null;
	const source = openSource(given, {
		wanted: () => true,
		wantsPixels: () => true,
		whenWanted: async () => {},
		onFormat: (told) => {
			format = told;
		},
	});
	try {
		for await (using picture of source.frames(timer.signal)) {
			const rate = (format as SourceFormat | null)?.framesPerSecond;
			const ms = Math.round(performance.now() - startTime);
			const size = `${picture.width}x${picture.height}${rate ? ` at ${rate}` : ""}`;
			return ok(topic, `${describeSource(given)}: ${size}, first picture after ${ms} ms`);
		}
		return problem(
			topic,
			`${describeSource(given)}: no picture in ${FIRST_PICTURE_MS / 1000} s`,
			ADVICE["timed-out"],
		);
	} catch (cause) {
		const advice = cause instanceof SourceError ? ADVICE[cause.reason] : "the encoder or decoder failed";
		return problem(topic, wordsOf(cause), advice);
	} finally {
		clearTimeout(patience);
		timer.abort();
	}
}
