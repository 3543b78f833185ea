import { ladderFor, renditionsFor } from "#shared/ladder.ts";
import { rounded } from "../report.ts";
import type { Network } from "./link.ts";
import { agesOf, figuresOf, inOrder, type Scale, type Shown, type Span } from "./metrics.ts";
import type { RunRecord } from "./run.ts";
import { Scene } from "./scene.ts";
import type { Trace } from "./trace.ts";

const SKIPPED_MS = 2_000; // of every run: processes that start, the first picture
const SIZE = { width: 1280, height: 720 };
const SSIM = new Map(renditionsFor(SIZE).map(({ id, ssim }) => [id, ssim]));
const SAMPLE_MS = 10;

export const TOP_RUNG = ladderFor(SIZE).length - 1;
const SCALE: Scale = {
	ssimOf: (rendition) => SSIM.get(rendition) ?? 0,
	isRung: (rendition) => rendition <= TOP_RUNG, // of the JPEG ladder
};

/** What every part of the bench works with. */
export class Bench implements Disposable {
	readonly network: Network;
	readonly rttMs: number;
	readonly bufferMs: number;
	/** Of `--trace`; the scenarios that want a changing link take their own when there is none. */
	readonly traces: readonly Trace[];
	readonly #seconds: number | null;
	readonly #source: string | null;
	readonly #scenes = new Map<number, Scene>();

	constructor(options: {
		network: Network;
		rttMs: number;
		bufferMs: number;
		traces: readonly Trace[];
		seconds: number | null;
		source: string | null;
	}) {
		this.network = options.network;
		this.rttMs = options.rttMs;
		this.bufferMs = options.bufferMs;
		this.traces = options.traces;
		this.#seconds = options.seconds;
		this.#source = options.source;
	}

	/** Length of a run: what was asked for, else `fallback`. */
	seconds(fallback: number): number {
		return this.#seconds ?? fallback;
	}

	/** What the agent is pointed at: `--camera`, else a scene of this rate. */
	source(framesPerSecond = 30): string {
		if (this.#source !== null) return this.#source;
		const scene = this.#scenes.get(framesPerSecond) ?? new Scene(framesPerSecond);
		this.#scenes.set(framesPerSecond, scene);
		return scene.path;
	}

	/** A link as the options say. */
	link(trace: Trace): { trace: Trace; rttMs: number; bufferMs: number } {
		return { trace, rttMs: this.rttMs, bufferMs: this.bufferMs };
	}

	/** Beyond this a picture is called old: 300 ms and the way. */
	get oldMs(): number {
		return 300 + this.rttMs / 2;
	}

	[Symbol.dispose](): void {
		for (const scene of this.#scenes.values()) scene[Symbol.dispose]();
	}
}

/** The whole run but its beginning; `afterMs`: when the viewer came. */
export function spanOf(record: RunRecord, afterMs = 0): Span {
	const startTime = record.startTime + afterMs;
	return { startTime, fromTime: startTime + SKIPPED_MS, toTime: record.endTime };
}

/** Figures of one viewer. */
export function figures(record: RunRecord, viewer: number, span = spanOf(record)) {
	return figuresOf(record.received[viewer]!, span, SCALE);
}

/** One viewer's screen along the time of its link; instants in ms since the trace began. */
export class Timeline {
	readonly #shown: readonly Shown[];
	readonly #startTime: number;

	constructor(record: RunRecord, viewer = 0) {
		this.#shown = inOrder(record.received[viewer]!);
		this.#startTime = record.startTime;
	}

	ages(fromMs: number, toMs: number): number[] {
		const startTime = this.#startTime;
		return agesOf(this.#shown, { startTime, fromTime: startTime + fromMs, toTime: startTime + toMs });
	}

	/** Seconds after `fromMs` until the age, once it is over `limitMs`, is below it again; null: not before `toMs`. */
	secondsUntilFresh(fromMs: number, toMs: number, limitMs: number): number | null {
		const ages = this.ages(fromMs, toMs);
		const old = ages.findIndex((age) => age >= limitMs);
		if (old < 0) return 0;
		const fresh = ages.findIndex((age, i) => i > old && age < limitMs);
		return fresh < 0 ? null : (fresh * SAMPLE_MS) / 1_000;
	}

	/** Seconds after `fromMs` until the age is below `limitMs` and stays so up to `toMs`. */
	secondsUntilFreshForGood(fromMs: number, toMs: number, limitMs: number): number {
		return ((this.ages(fromMs, toMs).findLastIndex((age) => age >= limitMs) + 1) * SAMPLE_MS) / 1_000;
	}

	/** The best rung shown between two instants. */
	bestRung(fromMs: number, toMs: number): number {
		return Math.max(...this.#between(fromMs, toMs).map(({ rendition }) => rendition));
	}

	/** Seconds after `fromMs` until a rung of `rung` or better is shown; null: never. */
	secondsUntilRung(fromMs: number, rung: number): number | null {
		const found = this.#between(fromMs, Number.POSITIVE_INFINITY).find(({ rendition }) => rendition >= rung);
		return found ? rounded((found.showTime - this.#startTime - fromMs) / 1_000, 2) : null;
	}

	#between(fromMs: number, toMs: number): Shown[] {
		const [from, to] = [this.#startTime + fromMs, this.#startTime + toMs];
		return this.#shown.filter(({ showTime }) => showTime >= from && showTime < to);
	}
}
