// CPU of one decision: may this frame go to this viewer, what did its ack say, is another rung better. Many viewers
// in turn on links of different rates, so that no state stays in the cache; nothing is sent, the clock is counted.
import type { Ack } from "#shared/ack.ts";
import { ladderFor } from "#shared/ladder.ts";
import { FlowWindow } from "#shared/window.ts";
import { pictureValue, RungChooser } from "../../relay/delivery/allocation.ts";
import type { Rung } from "../../relay/delivery/evidence.ts";
import { RateHistory } from "../../relay/delivery/rate-history.ts";
import { numberOption, report, rounded } from "./report.ts";

const viewers = numberOption("viewers", 300);
const seconds = numberOption("seconds", 10); // of viewing, in each round
const rounds = numberOption("rounds", 5);
const INTERVAL_MS = 1000 / 30;
const START_RUNG = 3;
const GOAL_US = 3;

const rungs: Rung[] = ladderFor({ width: 1280, height: 720 }).map(({ nominalBytes, ssim }) => ({
	bytes: nominalBytes,
	keyBytes: nominalBytes,
	value: pictureValue(ssim),
	isSkippable: true,
}));

/** A viewer on a link of constant rate without jitter: the least that can happen, at full frame rate. */
class Viewer {
	frames = 0;
	readonly #window = new FlowWindow(800);
	readonly #history = new RateHistory();
	readonly #chooser = new RungChooser(START_RUNG, 0);
	readonly #onTheWay: (Ack & { ackTime: number })[] = [];
	readonly #rate: number;
	readonly #oneWayMs: number;
	#delivery = 0;
	#free = 0; // when the link is

	/** `rate`: bytes per ms. */
	constructor(rate: number, oneWayMs: number) {
		this.#rate = rate;
		this.#oneWayMs = oneWayMs;
	}

	capture(now: number): void {
		for (let ack = this.#onTheWay[0]; ack && ack.ackTime <= now; ack = this.#onTheWay[0]) {
			this.#onTheWay.shift();
			const sample = this.#window.acked(ack.ackTime, ack);
			if (sample) this.#history.add(sample);
			this.#choose(ack.ackTime);
		}
		if (!this.#window.admits(now, INTERVAL_MS)) return;
		const { bytes } = rungs[this.#chooser.rung]!;
		this.#window.sent(now, this.#delivery, bytes);
		const headerTime = Math.max(this.#free, now) + this.#oneWayMs;
		this.#free = Math.max(this.#free, now) + bytes / this.#rate;
		const bodyTime = this.#free + this.#oneWayMs;
		const ackTime = bodyTime + this.#oneWayMs;
		this.#onTheWay.push({ delivery: this.#delivery, headerTime, bodyTime, ackTime });
		this.#delivery++;
		this.frames++;
	}

	#choose(now: number): void {
		const window = this.#window;
		const link = {
			history: this.#history.buckets,
			roundTripMs: window.roundTripMs,
			overdueMs: window.overdueMs(now),
			headBytes: window.headBytes,
			sentRate: window.sentRate(now),
			intervalMs: INTERVAL_MS,
		};
		this.#chooser.decide(now, link, { rungs, cap: rungs.length - 1, mode: "balanced" });
	}
}

const all = Array.from({ length: viewers }, (_, i) => new Viewer(300 + 40 * (i % 100), 5 + (i % 7) * 15));
let now = 0;

/** CPU per frame sent, us; what the simulated link itself costs is in it. */
function round(): number {
	const frames = all.reduce((sum, viewer) => sum + viewer.frames, 0);
	const before = process.cpuUsage();
	for (let i = 0; i < (seconds * 1000) / INTERVAL_MS; i++) {
		now += INTERVAL_MS;
		for (const viewer of all) viewer.capture(now);
	}
	const { user, system } = process.cpuUsage(before);
	return (user + system) / (all.reduce((sum, viewer) => sum + viewer.frames, 0) - frames);
}

round(); // compiles, and fills every window
const results = Array.from({ length: rounds }, round).toSorted((a, b) => a - b);
const controlUs = rounded(results[rounds >> 1]!, 2);
report(
	[{ viewers, "us a frame and viewer, median": controlUs, best: rounded(results[0]!, 2), goal: GOAL_US }],
	{ bench: "control", viewers, rounds, controlUs, bestUs: rounded(results[0]!, 2), goalUs: GOAL_US },
);
