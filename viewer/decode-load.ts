import type { Codec, FrameHeader } from "#shared/frame.ts";
import type { WatchedCamera } from "#shared/protocol.ts";

const OVERLOAD = 0.7; // of the time between two frames: more leaves none for a hiccup
const OVERLOAD_MS = 3_000;
const EASE = 0.4; // what it would be with the last step taken back
const EASE_MS = 20_000;
const WINDOW_MS = 1_000;
const LEAST_SAMPLES = 3; // of a camera slower than the window
const GAPS_KEPT = 9; // odd, so that their median is one of them
const LEAST_FPS = 1;
const NO_CAPS: Caps = { maxFramesPerSecond: null, maxLines: null };

/** What the browser manages of one camera; null: no limit. */
export interface Caps {
	maxFramesPerSecond: number | null;
	/** Pixels on the short side. */
	maxLines: number | null;
}

/** What is noted of a frame. */
type Received = Pick<FrameHeader, "codec" | "isCached" | "captureTime" | "width" | "height">;

/** A way down, and what taking it back would multiply the load by. */
interface Step {
	before: Caps;
	factor: number;
}

/**
 * Finds out whether the browser decodes one camera fast enough: first half the frames, then fewer lines, step by step,
 * until it does; and back once there is room for it. H.264 builds on every frame, so there lines are all that can go.
 * Pure: `now` in ms, any monotonic clock.
 */
export class DecodeLoad {
	caps = NO_CAPS;
	#steps: Step[] = [];
	#durations: { time: number; durationMs: number }[] = [];
	#gaps: number[] = [];
	#captureTime: number | null = null;
	#lines = 0;
	#codec: Codec | null = null;
	#isBehind = false;
	#trend: "over" | "under" | "fair" = "fair";
	#trendTime = 0;

	/** What the newest frames are encoded as; null before the first. */
	get codec(): Codec | null {
		return this.#codec;
	}

	/** Notes a frame that came, whatever becomes of it. */
	received({ codec, isCached, captureTime, width, height }: Received): void {
		if (isCached) return; // shown while somebody waits for the stream itself
		if (this.#codec !== codec) {
			this.#codec = codec;
			this.reset(); // what one decoder manages says nothing about another
			this.#steps = [];
		}
		this.#lines = Math.min(width, height);
		if (this.#captureTime !== null && captureTime > this.#captureTime)
			this.#gaps = [...this.#gaps, captureTime - this.#captureTime].slice(-GAPS_KEPT);
		this.#captureTime = captureTime;
	}

	decoded(now: number, durationMs: number): void {
		this.#durations.push({ time: now, durationMs });
		while (this.#durations.length > LEAST_SAMPLES && now - this.#durations[0]!.time > WINDOW_MS)
			this.#durations.shift();
	}

	/** The decoder gave up frames because it does not keep up. */
	behind(): void {
		this.#isBehind = true;
	}

	/** Looks again, a few times a second; true when `caps` changed. `ladderLines`: what the camera's rungs have. */
	decide(now: number, ladderLines: readonly number[]): boolean {
		if (this.#steps.length === 0 && this.caps !== NO_CAPS) {
			this.caps = NO_CAPS; // those of another codec
			return true;
		}
		if (this.#isBehind) return this.#lower(ladderLines);
		const load = this.#load;
		if (load === null) return false;
		const last = this.#steps.at(-1);
		const trend = load > OVERLOAD ? "over" : last && load * last.factor < EASE ? "under" : "fair";
		if (trend !== this.#trend) {
			this.#trend = trend;
			this.#trendTime = now;
		}
		const lastedMs = now - this.#trendTime;
		if (trend === "over" && lastedMs >= OVERLOAD_MS) return this.#lower(ladderLines);
		if (trend === "under" && lastedMs >= EASE_MS) return this.#raise();
		return false;
	}

	/** What was measured says nothing about what comes next; the caps stay. */
	reset(): void {
		this.#durations = [];
		this.#gaps = [];
		this.#captureTime = null;
		this.#isBehind = false;
		this.#trend = "fair";
	}

	/** Share of the time between two frames that decoding one takes, in nine of ten cases; null before it is known. */
	get #load(): number | null {
		const { length } = this.#durations;
		const intervalMs = this.#gaps.toSorted((a, b) => a - b)[this.#gaps.length >> 1];
		if (length < LEAST_SAMPLES || intervalMs === undefined) return null;
		const durations = this.#durations.map(({ durationMs }) => durationMs).sort((a, b) => a - b);
		return durations[Math.ceil(0.9 * length) - 1]! / intervalMs;
	}

	#lower(ladderLines: readonly number[]): boolean {
		this.#isBehind = false;
		const before = this.caps;
		const lines = Math.min(this.#lines, before.maxLines ?? this.#lines);
		const fewer = Math.max(...ladderLines.filter((one) => one < lines));
		if (fewer > 0 && (before.maxFramesPerSecond !== null || this.#codec === "h264")) {
			this.#steps.push({ before, factor: (lines / fewer) ** 2 });
			this.caps = { ...before, maxLines: fewer };
		} else if (this.#codec === "h264") {
			return false;
		} else {
			const framesPerSecond = 1000 / this.#gaps.toSorted((a, b) => a - b)[this.#gaps.length >> 1]!;
			if (framesPerSecond < 2 * LEAST_FPS) return false;
			this.#steps.push({ before, factor: 2 });
			this.caps = { ...before, maxFramesPerSecond: Math.round(framesPerSecond * 5) / 10 };
		}
		this.reset();
		return true;
	}

	#raise(): boolean {
		const step = this.#steps.pop();
		if (!step) return false;
		this.caps = step.before;
		this.reset();
		return true;
	}
}

/** What is asked for, no more than the browser manages. */
export function narrowed(camera: WatchedCamera, { maxFramesPerSecond, maxLines }: Caps): WatchedCamera {
	const lines = Math.min(camera.maxLines ?? Number.POSITIVE_INFINITY, maxLines ?? Number.POSITIVE_INFINITY);
	return { ...camera, maxFramesPerSecond, maxLines: Number.isFinite(lines) ? lines : null };
}
