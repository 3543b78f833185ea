import type { Canvas } from "../painter.ts";
import type { History } from "./history.ts";
import { showable } from "./past-decoder.ts";
import { Recorder, type RecordingPlan, type RecordingProgress } from "./recorder.ts";
import { Replay, type ReplayState } from "./replay.ts";
import type { Taps } from "./taps.ts";

const REPORT_MS = 250;
const MAX_UNDRAWN = 2; // copies on their way to the page

/** What the page may do with the pictures besides showing them. */
export type StudioRequest =
	/** Shows what came last once more on this canvas: from its start, or the newest picture. One replay at a time. */
	| { is: "replay"; camera: string; canvas: Canvas; isPlaying: boolean }
	| { is: "seek"; time: number }
	| { is: "step"; by: number }
	| { is: "play" | "pause" | "end-replay" }
	| { is: "record"; camera: string; plan: RecordingPlan }
	| { is: "end-recording" }
	/** A copy of every picture goes through the port; the page answers each with "drawn", and ends it with "end". */
	| { is: "mirror"; camera: string; port: MessagePort };

export type StudioReport =
	/** Its code did not load. */
	| { is: "missing" }
	/** Null: there is nothing to replay. */
	| { is: "replay"; state: ReplayState | null }
	| { is: "recording"; progress: RecordingProgress }
	/** The recording is over; `file` null: no picture came, or `fault` says why there is none. */
	| { is: "recorded"; file: Blob | null; progress: RecordingProgress | null; fault: string | null };

export interface StudioTools {
	history: History;
	taps: Taps;
	report(report: StudioReport): void;
}

/** Replays, records and copies pictures, on demand. Loaded when first asked for. */
export class Studio {
	readonly #tools: StudioTools;
	#replay: Replay | null = null;
	#endRecording: (() => void) | null = null;

	constructor(tools: StudioTools) {
		this.#tools = tools;
	}

	handle(request: StudioRequest): void {
		switch (request.is) {
			case "replay":
				return this.#startReplay(request);
			case "seek":
				return this.#replay?.seek(request.time);
			case "step":
				return this.#replay?.step(request.by);
			case "play":
				return this.#replay?.play();
			case "pause":
				return this.#replay?.pause();
			case "end-replay":
				this.#replay?.close();
				this.#replay = null;
				return;
			case "record":
				return void this.#record(request.camera, request.plan);
			case "end-recording":
				return this.#endRecording?.();
			case "mirror":
				return this.#mirror(request.camera, request.port);
		}
	}

	#startReplay({ camera, canvas, isPlaying }: Extract<StudioRequest, { is: "replay" }>): void {
		this.#replay?.close();
		this.#replay = null;
		const frames = showable(this.#tools.history.of(camera));
		const report = (state: ReplayState | null) => this.#tools.report({ is: "replay", state });
		if (frames.length === 0) return report(null);
		this.#replay = new Replay(canvas, frames, report);
		this.#replay.seek(frames.at(isPlaying ? 0 : -1)!.header.captureTime);
		if (isPlaying) this.#replay.play();
	}

	async #record(camera: string, plan: RecordingPlan): Promise<void> {
		if (this.#endRecording) return;
		const { taps, report } = this.#tools;
		const ended = new Promise<void>((resolve) => {
			this.#endRecording = resolve;
		});
		let recorder: Recorder | null = null;
		let fault: string | null = null;
		let file: Blob | null = null;
		try {
			recorder = await Recorder.start(plan);
			const { progress } = recorder;
			const timer = setInterval(() => report({ is: "recording", progress }), REPORT_MS);
			let remove = () => {};
			const failed = new Promise<never>((_, reject) => {
				remove = taps.add(camera, (picture) => {
					try {
						recorder?.offer(picture);
					} catch (cause) {
						reject(cause);
					}
				});
			});
			await Promise.race([ended, failed]).finally(() => {
				clearInterval(timer);
				remove();
			});
			file = await recorder.finish();
		} catch (cause) {
			fault = cause instanceof Error ? cause.message : String(cause);
			await recorder?.finish().catch(() => {}); // it failed already: only what it holds is given back
		}
		this.#endRecording = null;
		report({ is: "recorded", file, progress: recorder?.progress ?? null, fault });
	}

	#mirror(camera: string, port: MessagePort): void {
		let undrawn = 0;
		const remove = this.#tools.taps.add(camera, ({ image }) => {
			if (undrawn >= MAX_UNDRAWN) return;
			undrawn++;
			createImageBitmap(image).then(
				(copy) => port.postMessage(copy, [copy]),
				() => undrawn--, // closed meanwhile
			);
		});
		port.onmessage = ({ data }: MessageEvent<"drawn" | "end">) => {
			undrawn--;
			if (data !== "end") return;
			remove();
			port.close();
		};
	}
}
