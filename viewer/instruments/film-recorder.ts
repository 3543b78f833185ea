import type { Size } from "#shared/ladder.ts";
import type { Player } from "../player.svelte.ts";
import type { RecordingProgress } from "../studio/recorder.ts";
import { openMirror } from "./mirror.ts";

const SLICE_MS = 1_000;
const TYPES = ["video/mp4;codecs=avc1.42E01F", "video/mp4", "video/webm;codecs=vp9", "video/webm"];

/** What the browser's own recorder made; `file` null: no picture came. */
export interface Film {
	readonly extension: "mp4" | "webm";
	readonly file: Blob | null;
}

export interface FilmSubject {
	camera: string;
	size: Size;
}

export interface FilmEvents {
	progress(progress: RecordingProgress): void;
	/** Resolves when it is to end. */
	ended: Promise<void>;
}

/**
 * Records where the page may not use an encoder itself: on plain http://. All pictures
 * get one size, since recorders differ in what they make of a change. Throws where nothing records.
 */
export async function recordFilm(player: Player, subject: FilmSubject, events: FilmEvents): Promise<Film> {
	const type = typeof MediaRecorder === "function" && TYPES.find((one) => MediaRecorder.isTypeSupported(one));
	if (!type || !("captureStream" in HTMLCanvasElement.prototype))
		throw new Error("This browser records only on a secure page: https:// or localhost.");
	const extension = type.startsWith("video/mp4") ? "mp4" : "webm";
	const mirror = openMirror(player, subject.camera, subject.size);
	try {
		const hasPicture = await Promise.race([mirror.filled.then(() => true), events.ended.then(() => false)]);
		if (!hasPicture) return { extension, file: null };
		const chunks = await record(mirror.canvas.captureStream(), type, events);
		return { extension, file: chunks.size > 0 ? new Blob([chunks], { type }) : null };
	} finally {
		mirror.close();
	}
}

async function record(stream: MediaStream, mimeType: string, { progress, ended }: FilmEvents): Promise<Blob> {
	const recorder = new MediaRecorder(stream, { mimeType });
	const startTime = performance.now();
	let file = new Blob();
	recorder.ondataavailable = ({ data }) => {
		file = new Blob([file, data]);
		progress({ elapsedMs: performance.now() - startTime, bytes: file.size, frames: 0, dropped: 0 });
	};
	const stopped = new Promise<void>((resolve, reject) => {
		recorder.onstop = () => resolve();
		recorder.onerror = () => reject(new Error("The browser's recorder gave up."));
	});
	recorder.start(SLICE_MS);
	await Promise.race([ended, stopped]);
	if (recorder.state !== "inactive") recorder.stop();
	await stopped;
	for (const track of stream.getTracks()) track.stop();
	return file;
}
