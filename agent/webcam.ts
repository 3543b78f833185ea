import "./quiet-av.ts";
import { readdir, realpath } from "node:fs/promises";
import { AV_NOPTS_VALUE, AV_PIX_FMT_NONE, DeviceAPI } from "node-av";
import { AvInput, type InputRequest } from "./av-input.ts";
import type { Limits } from "./limits.ts";
import { SourceError } from "./source-error.ts";
import type { SourceSpec } from "./source-spec.ts";
import { chooseModes, pickWebcam, type Webcam, type WebcamMode, webcamIds } from "./webcam-choice.ts";

type WebcamSpec = Extract<SourceSpec, { kind: "webcam" }>;

const MAX_AGE_MS = 500; // older pictures do not come out of a driver: the stamp is of some other clock
const BY_ID = "/dev/v4l/by-id";

/** The cameras connected now, in the order the system numbers them. Empty when there are none. */
export async function listWebcams(): Promise<Webcam[]> {
	const devices = (await DeviceAPI.list()).filter((device) => device.type === "video");
	const webcams: Webcam[] = [];
	for (const webcam of webcamIds(process.platform, devices, await v4lLinks())) {
		const modes = await DeviceAPI.modes(webcam.device).catch(() => []);
		webcams.push({ ...webcam, modes: modes.map(webcamMode) });
	}
	return webcams;
}

/** Opens the camera in the best mode it offers; null when the signal aborted meanwhile. Throws SourceError. */
export async function openWebcam(
	spec: WebcamSpec,
	signal: AbortSignal,
	limits: Limits,
): Promise<AvInput | null> {
	const webcam = pickWebcam(await listWebcams(), spec.device);
	let refusal: SourceError | null = null;
	for (const mode of chooseModes(webcam, spec)) {
		try {
			return await AvInput.open({ ...webcamRequest(webcam, mode), limits }, signal);
		} catch (error) {
			// Only a mode can be wrong and the next one right; a busy camera stays busy.
			if (!(error instanceof SourceError) || error.reason !== "unsupported") throw error;
			refusal ??= error;
		}
	}
	throw refusal ?? new SourceError("unsupported", `${webcam.name}: offers no mode`);
}

/**
 * When the driver captured a picture stamped `pts`, µs of the wall clock, by the agent's clock; `now` when the stamp
 * cannot be that.
 */
export function webcamCaptureTime(pts: bigint, now: number): number {
	if (pts === AV_NOPTS_VALUE) return now;
	const ageMs = Date.now() - Number(pts) / 1000;
	return ageMs >= 0 && ageMs < MAX_AGE_MS ? now - ageMs : now;
}

function webcamMode(mode: Awaited<ReturnType<typeof DeviceAPI.modes>>[number]): WebcamMode {
	return {
		width: mode.width,
		height: mode.height,
		maxFramesPerSecond: mode.maxFrameRate,
		isCompressed: mode.pixelFormat === AV_PIX_FMT_NONE,
	};
}

function webcamRequest(webcam: Webcam, mode: WebcamMode | null): Omit<InputRequest, "limits"> {
	const options: Record<string, string> = {};
	if (mode) {
		options.video_size = `${mode.width}x${mode.height}`;
		options.framerate = String(Math.round(mode.maxFramesPerSecond * 1000) / 1000);
	}
	const format = DeviceAPI.getVideoFormat();
	if (format === "v4l2") {
		if (mode?.isCompressed) options.input_format = "mjpeg";
		options.timestamps = "mono2abs"; // the driver's monotonic stamps as wall clock: Bun cannot read the former
	}
	if (format === "avfoundation") options.pixel_format = "nv12";
	if (format === "dshow") {
		options.video_device_number = String(webcam.number);
		options.rtbufsize = String(64 * 1024 * 1024); // bytes: ten raw 1080p pictures
	}
	return { url: webcam.url, name: `webcam ${webcam.name}`, format, probe: false, options };
}

/** Stable names of V4L2 devices: device path to the first link that names it. */
async function v4lLinks(): Promise<ReadonlyMap<string, string>> {
	const links = new Map<string, string>();
	const names = await readdir(BY_ID).catch(() => []);
	for (const name of names.sort().reverse()) {
		const device = await realpath(`${BY_ID}/${name}`).catch(() => null);
		if (device) links.set(device, `${BY_ID}/${name}`);
	}
	return links;
}
