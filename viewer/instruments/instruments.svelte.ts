import type { Attachment } from "svelte/attachments";
import type { CameraStatus } from "#shared/protocol.ts";
import type { Player } from "../player.svelte.ts";
import type { RecordingPlan, RecordingProgress } from "../studio/recorder.ts";
import type { ReplayState } from "../studio/replay.ts";
import type { StudioReport } from "../studio/studio.ts";
import { canFloat } from "./can-float.ts";
import { pictureFile } from "./picture-file.ts";
import { pictureName } from "./picture-name.ts";
import { saveFile } from "./save-file.ts";

const MAX_RECORDED_LINES = 1080;
const USUAL_FPS = 30;
const NOT_LOADED = "A part of this page did not load. Reload it.";
const NO_PROGRESS: RecordingProgress = { elapsedMs: 0, bytes: 0, frames: 0, dropped: 0 };

interface Recording {
	readonly camera: CameraStatus;
	readonly startTime: number;
	readonly isEnding: boolean;
}

/** What a person does with the pictures besides looking: keep one, record, look back, have them float. */
export class Instruments {
	recording = $state.raw<Recording | null>(null);
	progress = $state.raw<RecordingProgress>(NO_PROGRESS);
	/** The camera looked back at, and how that began. */
	replayed = $state.raw<{ camera: string; isPlaying: boolean } | null>(null);
	/** Null until the first picture of the past is there. */
	replay = $state.raw<ReplayState | null>(null);
	/** The camera in a window of its own. */
	floating = $state.raw<string | null>(null);
	/** What was done or went wrong last; the object is new each time. */
	message = $state.raw<{ text: string } | null>(null);
	readonly canFloat = canFloat();
	readonly #player: Player;
	#replayCanvas: HTMLCanvasElement | null = null;
	#endFilm: (() => void) | null = null;
	#release: (() => void) | null = null;
	#floatOver: AbortController | null = null;

	constructor(player: Player) {
		this.#player = player;
		player.onStudio = (report) => this.#take(report);
	}

	/** Saves the picture on screen, whole and in the size it was decoded in. */
	async snapshot({ id, name }: CameraStatus): Promise<void> {
		const { captureTime = null, frames = 0 } = this.#player.stats[id] ?? {};
		const canvas = this.replay ? this.#replayCanvas : this.#player.canvasOf(id);
		if (!canvas || frames === 0) return this.#say("There is no picture to keep yet.");
		const time = (this.replay?.time ?? captureTime ?? Date.now()) - (this.#player.clock?.offsetMs ?? 0);
		const file = await pictureFile(canvas);
		if (!file) return this.#say("The picture could not be kept.");
		const fileName = pictureName(name, time, "jpg");
		saveFile(file, fileName);
		this.#say(`Saved ${fileName}`);
	}

	/** Starts recording a camera, or ends and saves what is recorded. */
	record(camera: CameraStatus): void {
		if (this.recording) return this.#endRecording();
		this.recording = { camera, startTime: Date.now(), isEnding: false };
		this.progress = NO_PROGRESS;
		this.#release = this.#player.keep(camera.id);
		if (typeof VideoEncoder === "function")
			this.#player.studio({ is: "record", camera: camera.id, plan: planOf(camera) });
		else void this.#film(camera);
	}

	/** Looks back: plays what came last, or holds the newest picture. */
	lookBack(camera: string, isPlaying: boolean): void {
		this.replay = null;
		this.replayed = { camera, isPlaying };
	}

	/** Shows a replay on a canvas for as long as that is on the page. */
	screenOf({ camera, isPlaying }: { camera: string; isPlaying: boolean }): Attachment<HTMLCanvasElement> {
		return (element) => {
			const isMoved = this.#player.path === "worker";
			const canvas = isMoved ? element.transferControlToOffscreen() : element;
			this.#player.studio(
				{ is: "replay", camera, canvas, isPlaying },
				isMoved ? [canvas as OffscreenCanvas] : [],
			);
			this.#replayCanvas = element;
			return () => {
				this.#replayCanvas = null;
				this.#player.studio({ is: "end-replay" });
			};
		};
	}

	seek(time: number): void {
		this.#player.studio({ is: "seek", time });
	}

	step(by: number): void {
		this.#player.studio({ is: "step", by });
	}

	togglePlay(): void {
		this.#player.studio({ is: this.replay?.isPlaying ? "pause" : "play" });
	}

	/** Shows the present again. */
	goLive(): void {
		this.replayed = null;
		this.replay = null;
	}

	/** Opens the window of a camera, or closes the one there is. */
	async float({ id }: CameraStatus): Promise<void> {
		if (this.floating !== null) return this.#floatOver?.abort();
		if (!this.#player.stats[id]?.frames) return this.#say("There is no picture to show yet.");
		this.floating = id;
		const over = new AbortController();
		this.#floatOver = over;
		over.signal.addEventListener("abort", () => {
			this.floating = null; // whatever it still waits for
		});
		try {
			const { float } = await import("./floating.ts");
			await float(this.#player, id, over.signal);
		} catch {
			if (!over.signal.aborted) this.#say("The browser did not open a window for it.");
		}
		if (this.#floatOver === over) this.floating = null;
	}

	#take(report: StudioReport): void {
		switch (report.is) {
			case "missing":
				this.goLive();
				if (this.recording) return this.#save(null, { extension: "mp4", fault: NOT_LOADED });
				return this.#say(NOT_LOADED);
			case "replay":
				if (!this.replayed) return;
				this.replay = report.state;
				if (report.state) return;
				this.goLive();
				return this.#say("There is nothing to look back at yet.");
			case "recording":
				this.progress = { ...report.progress };
				return;
			case "recorded":
				return this.#save(report.file, { extension: "mp4", fault: report.fault });
		}
	}

	#endRecording(): void {
		if (!this.recording || this.recording.isEnding) return;
		this.recording = { ...this.recording, isEnding: true };
		if (this.#endFilm) this.#endFilm();
		else this.#player.studio({ is: "end-recording" });
	}

	async #film(camera: CameraStatus): Promise<void> {
		const ended = new Promise<void>((resolve) => {
			this.#endFilm = resolve;
		});
		try {
			const { recordFilm } = await import("./film-recorder.ts");
			const subject = { camera: camera.id, size: planOf(camera) };
			const progress = (now: RecordingProgress) => {
				this.progress = now;
			};
			const { file, extension } = await recordFilm(this.#player, subject, { progress, ended });
			this.#save(file, { extension, fault: null });
		} catch (cause) {
			this.#save(null, { extension: "mp4", fault: cause instanceof Error ? cause.message : String(cause) });
		}
		this.#endFilm = null;
	}

	#save(file: Blob | null, { extension, fault }: { extension: string; fault: string | null }): void {
		const recording = this.recording;
		this.recording = null;
		this.#release?.();
		this.#release = null;
		if (!recording) return;
		if (fault !== null) return this.#say(`The recording failed: ${fault}`);
		if (!file) return this.#say("Nothing was recorded: no picture came.");
		const name = pictureName(recording.camera.name, recording.startTime, extension);
		saveFile(file, name);
		this.#say(`Saved ${name}`);
	}

	#say(text: string): void {
		this.message = { text };
	}
}

/** The source's own size, as far as that is worth recording; encoders take even sides only. */
function planOf({ source }: CameraStatus): RecordingPlan {
	const { width, height } = source ?? { width: 1280, height: 720 };
	const share = Math.min(1, MAX_RECORDED_LINES / Math.min(width, height));
	const even = (length: number) => Math.max(2, Math.floor((length * share) / 2) * 2);
	return { width: even(width), height: even(height), framesPerSecond: source?.framesPerSecond ?? USUAL_FPS };
}
