import type { Size } from "#shared/ladder.ts";
import { SourceError } from "./source-error.ts";

export interface WebcamMode extends Size {
	maxFramesPerSecond: number;
	/** MJPEG as a rule: what the system gives no pixel format for. */
	isCompressed: boolean;
}

export interface WebcamAddress {
	/** Names the same camera after a reboot and in another socket where the system can tell; for `webcam:ID`. */
	id: string;
	/** For people. */
	name: string;
	/** What the system calls it now. */
	device: string;
	/** What FFmpeg opens. */
	url: string;
	/** Counts cameras of the same name, from 0. */
	number: number;
}

export interface Webcam extends WebcamAddress {
	modes: WebcamMode[];
}

const MAX_WIDTH = 1920;
const MAX_HEIGHT = 1080;
const MAX_FRAMES_PER_SECOND = 60;
const FLUENT = 15; // frames per second; a larger picture is not worth falling below it

/**
 * Stable ids for what the system lists: V4L2 by its by-id link, DirectShow and AVFoundation by the unique id in
 * `description`.
 */
export function webcamIds(
	platform: string,
	devices: readonly { name: string; description: string }[],
	links: ReadonlyMap<string, string>,
): WebcamAddress[] {
	if (platform === "linux") {
		const numbered = [...devices].sort((a, b) => a.name.localeCompare(b.name, "en", { numeric: true }));
		return numbered.map(({ name: device, description }) => {
			return { id: links.get(device) ?? device, name: description, device, url: device, number: 0 };
		});
	}
	const seen = new Map<string, number>();
	return devices.map(({ name, description }, index) => {
		const number = seen.get(name) ?? 0;
		seen.set(name, number + 1);
		// AVFoundation reads "video:audio", and takes an index for a name that cannot be written that way.
		const isPlain = number === 0 && !name.includes(":");
		const url = platform === "win32" ? `video=${name}` : isPlain ? name : String(index);
		return { id: description === "" ? name : description, name, device: name, url, number };
	});
}

/** The camera `wish` names by id, device or name; the first one for null. Throws SourceError "no-device". */
export function pickWebcam(webcams: readonly Webcam[], wish: string | null): Webcam {
	if (wish === null) {
		const first = webcams[0];
		if (!first) throw new SourceError("no-device", "webcam: no camera found");
		return first;
	}
	for (const key of ["id", "device", "name"] as const) {
		const found = webcams.find((webcam) => webcam[key] === wish);
		if (found) return found;
	}
	const found = webcams.map((webcam) => webcam.id).join(", ");
	throw new SourceError(
		"no-device",
		`webcam ${wish}: not found; connected: ${found === "" ? "none" : found}`,
	);
}

/**
 * Modes to try in turn, best first; null = whatever the device does by itself. Without a wished size: the largest up
 * to 1080p that is fluent, MJPEG before raw pictures. Throws SourceError "unsupported" for a size it does not offer.
 */
export function chooseModes(
	webcam: Webcam,
	wish: { size: Size | null; framesPerSecond: number | null },
): (WebcamMode | null)[] {
	if (webcam.modes.length === 0) return [null];
	const fitting = webcam.modes.filter((mode) => fits(mode, wish.size));
	if (wish.size && fitting.length === 0) {
		const sizes = new Set(webcam.modes.map((mode) => `${mode.width}x${mode.height}`));
		const asked = `${wish.size.width}x${wish.size.height}`;
		throw new SourceError(
			"unsupported",
			`webcam ${webcam.name}: no ${asked}; it offers ${[...sizes].join(", ")}`,
		);
	}
	const limit = wish.framesPerSecond ?? MAX_FRAMES_PER_SECOND;
	const ranked = (fitting.length > 0 ? fitting : smallest(webcam.modes))
		.map((mode) => ({ ...mode, maxFramesPerSecond: Math.min(mode.maxFramesPerSecond, limit) }))
		.sort((a, b) => compare(b, a, Math.min(FLUENT, limit)));
	const best = ranked[0] ?? null;
	const other = ranked.find((mode) => mode.isCompressed !== best?.isCompressed);
	return other ? [best, other, null] : [best, null];
}

function fits(mode: WebcamMode, size: Size | null): boolean {
	if (size) return mode.width === size.width && mode.height === size.height;
	return mode.width <= MAX_WIDTH && mode.height <= MAX_HEIGHT;
}

function smallest(modes: readonly WebcamMode[]): WebcamMode[] {
	const area = Math.min(...modes.map((mode) => mode.width * mode.height));
	return modes.filter((mode) => mode.width * mode.height === area);
}

/** Above zero when `a` is the better mode. */
function compare(a: WebcamMode, b: WebcamMode, fluent: number): number {
	const isFluent = (mode: WebcamMode) => Number(mode.maxFramesPerSecond >= fluent);
	return (
		isFluent(a) - isFluent(b) ||
		a.width * a.height - b.width * b.height ||
		Number(a.isCompressed) - Number(b.isCompressed) ||
		a.maxFramesPerSecond - b.maxFramesPerSecond
	);
}
