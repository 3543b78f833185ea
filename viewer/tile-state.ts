import type { CameraReason, CameraStatus } from "#shared/protocol.ts";
import type { CameraStats } from "./screen.ts";

const MIN_STALE_MS = 500; // shorter pauses are not seen as a standstill
const UNKNOWN_INTERVAL_MS = 1_000; // before two frames were seen: patient enough for a camera of one frame a second
const PATIENCE_MS = 2_000; // how long a first picture may take before it is called missing

/** How old a picture feels: thresholds known from remote-hands work. */
export type Freshness = "calm" | "noticeable" | "late";

/** What one camera's place on the page shows. `since`: ms since the epoch, this machine's clock. */
export type TileState =
	/** Not asked for now: another camera is open or the page was hidden. */
	| { is: "paused" }
	/** Asked for, first picture on its way. */
	| { is: "opening"; since: number; isLong: boolean }
	| { is: "live"; ageMs: number | null; freshness: Freshness }
	/** There is a picture but no newer one comes. */
	| { is: "frozen"; since: number }
	/** The agent says, or the relay about the agent, that there is nothing to show. */
	| { is: "connecting" | "offline"; since: number; reason: CameraReason | null; detail: string | null };

/** Longest silence in which a picture still counts as now, ms. */
export function staleAfterMs(intervalMs: number | null, roundTripTime: number | null): number {
	return Math.max(MIN_STALE_MS, 3 * (intervalMs ?? UNKNOWN_INTERVAL_MS) + 2 * (roundTripTime ?? 0));
}

export function freshnessOf(ageMs: number): Freshness {
	if (ageMs < 100) return "calm";
	return ageMs < 250 ? "noticeable" : "late";
}

export interface TileInput {
	camera: Pick<CameraStatus, "state" | "reason" | "detail" | "since">;
	/** Undefined before the first report. */
	stats: Pick<CameraStats, "presentationTime" | "watchedTime" | "intervalMs" | "ageMs"> | undefined;
	/** Relay clock minus ours, ms. */
	offsetMs: number;
	roundTripTime: number | null;
	now: number;
}

/** What a tile shows, from what is known about its camera. Pure. */
export function tileState({ camera, stats, offsetMs, roundTripTime, now }: TileInput): TileState {
	const { state, reason, detail } = camera;
	const since = camera.since - offsetMs;
	if (state === "offline") return { is: "offline", since, reason, detail };
	const watchedTime = stats?.watchedTime ?? null;
	if (!stats || watchedTime === null) return { is: "paused" };
	const shownTime = stats.presentationTime;
	const hasFresh = shownTime !== null && shownTime >= watchedTime;
	const limitMs = staleAfterMs(stats.intervalMs, roundTripTime);
	if (hasFresh && now - shownTime <= limitMs)
		return { is: "live", ageMs: stats.ageMs, freshness: freshnessOf(stats.ageMs ?? 0) };
	if (state === "connecting") return { is: "connecting", since, reason, detail };
	const waitingSince = Math.max(watchedTime, since);
	const isLong = now - waitingSince > PATIENCE_MS;
	if (shownTime === null || (!hasFresh && !isLong)) return { is: "opening", since: waitingSince, isLong };
	return { is: "frozen", since: shownTime };
}
