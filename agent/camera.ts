import { Backoff } from "#shared/backoff.ts";
import { localNow } from "#shared/clock.ts";
import { Log, wordsOf } from "#shared/log.ts";
import type { AgentStats, CameraState } from "#shared/protocol.ts";
import { sleep } from "#shared/sleep.ts";
import { Gate } from "./gate.ts";
import type { Pipeline } from "./pipeline.ts";
import { openSource, type Source, SourceError, type SourceFormat } from "./source.ts";
import type { SourceSpec } from "./source-spec.ts";

const RETRY_MS = [1_000, 2_000] as const; // whoever plugs a camera in again stands in front of it
const STABLE_MS = 5_000; // a source that lasted this long was good: its next failure is retried at once

const log = new Log("agent");

type State = Pick<CameraState, "state" | "reason" | "detail" | "source">;

/** One camera of this agent: keeps its source open for as long as it runs, and says how it is. */
export class Camera {
	readonly id: string;
	readonly name: string;
	readonly pipeline: Pipeline;
	readonly #source: Source;
	readonly #gate = new Gate();
	readonly #onChange: () => void;
	#state: State = { state: "connecting", reason: "opening", detail: null, source: null };
	#liveTime: number | null = null;

	constructor(
		{ id, name, spec }: { id: string; name: string; spec: SourceSpec },
		{ pipeline, onChange }: { pipeline: Pipeline; onChange: () => void },
	) {
		this.id = id;
		this.name = name;
		this.pipeline = pipeline;
		this.#onChange = onChange;
		this.#source = openSource(spec, {
			wanted: () => this.#gate.isOpen,
			whenWanted: (signal) => this.#gate.whenOpen(signal),
			onFormat: (format) => this.#opened(format),
		});
	}

	/** As the relay is told. */
	get state(): CameraState {
		return { id: this.id, ...this.#state, renditions: this.pipeline.renditions };
	}

	get stats(): AgentStats {
		const { captured, counters } = this.pipeline;
		return { id: this.id, captured, replaced: this.#source.replaced, renditions: counters };
	}

	/** The renditions to make from now on; none stops decoding too. */
	demand(renditions: readonly number[]): void {
		this.pipeline.demand(renditions);
		this.#gate.set(renditions.length > 0);
	}

	/** The next frame of this rendition is to be a key. */
	askKey(rendition: number): void {
		this.pipeline.askKey(rendition);
	}

	/**
	 * Opens the source, and again whenever it is lost, until the signal aborts; source and encoders are closed by then.
	 * Rejects only when this process cannot go on: a native call that never returned.
	 */
	async run(signal: AbortSignal): Promise<void> {
		try {
			await this.#keepOpen(signal);
		} finally {
			this.demand([]); // closes the encoders
		}
	}

	async #keepOpen(signal: AbortSignal): Promise<void> {
		const backoff = new Backoff(Math.random, RETRY_MS);
		while (!signal.aborted) {
			this.#liveTime = null;
			try {
				for await (const raw of this.#source.frames(signal)) await this.pipeline.process(raw);
				if (!signal.aborted) this.#lost("ended", "the source ended");
			} catch (cause) {
				if (signal.aborted) return;
				if (cause instanceof SourceError && cause.reason === "hung") throw cause;
				this.#lost(cause instanceof SourceError ? cause.reason : "encoder", wordsOf(cause));
			}
			if (this.#liveTime !== null && localNow() - this.#liveTime > STABLE_MS) backoff.reset();
			await sleep(backoff.next(), signal);
		}
	}

	#opened({ width, height, framesPerSecond }: SourceFormat): void {
		this.pipeline.reset({ width, height }, framesPerSecond);
		this.#liveTime = localNow();
		log.info("camera live", { camera: this.id, size: `${width}x${height}`, fps: framesPerSecond });
		this.#set({
			state: "live",
			reason: null,
			detail: null,
			source: { width, height, framesPerSecond },
		});
	}

	#lost(reason: NonNullable<State["reason"]>, detail: string): void {
		const what = this.#liveTime === null ? "camera not opened, trying again" : "camera lost, trying again";
		if (reason !== this.#state.reason) log.warn(what, { camera: this.id, reason, detail });
		this.#set({ state: "offline", reason, detail: detail.slice(0, 300) || null, source: this.#state.source });
	}

	#set(state: State): void {
		this.#state = state;
		this.#onChange();
	}
}
