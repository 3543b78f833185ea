import type { Player } from "../player.svelte.ts";
import type { RecordingProgress } from "../studio/recorder.ts";
import { openMirror } from "./mirror.ts";

const SLICE_MS = 1_000;
const TYPES = ["video/mp4;codecs=avc1.42E01F", "video/mp4", "video/webm;codecs=vp9", "video/webm"];

/** A recording by the browser's own recorder. */
export interface Film {
	readonly extension: "mp4" | "webm";
	finish(): Promise<Blob | null>;
}

/** Records where the page may not use an encoder itself: on plain http://. Throws where nothing records. */
export async function recordFilm(
	player: Player,
	camera: string,
	onProgress: (progress: RecordingProgress) => void,
): Promise<Film> {
	const type = typeof MediaRecorder === "function" && TYPES.find((one) => MediaRecorder.isTypeSupported(one));
	if (!type || !("captureStream" in HTMLCanvasElement.prototype))
		throw new Error("This browser records only on a secure page: https:// or localhost.");
	const mirror = openMirror(player, camera);
	await mirror.filled;
	const recorder = new MediaRecorder(mirror.canvas.captureStream(), { mimeType: type });
	const startTime = performance.now();
	let file = new Blob();
	recorder.ondataavailable = ({ data }) => {
		file = new Blob([file, data]);
		onProgress({ elapsedMs: performance.now() - startTime, bytes: file.size, frames: 0, dropped: 0 });
	};
	recorder.start(SLICE_MS);
	const stopped = new Promise<void>((resolve) => recorder.addEventListener("stop", () => resolve()));
	return {
		extension: type.startsWith("video/mp4") ? "mp4" : "webm",
		async finish() {
			if (recorder.state !== "inactive") recorder.stop();
			await stopped;
			for (const track of recorder.stream.getTracks()) track.stop();
			mirror.close();
			return file.size > 0 ? new Blob([file], { type }) : null;
		},
	};
}
