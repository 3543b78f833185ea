import type { Camera } from "../camera.ts";
import { faults } from "../faults.ts";
import type { Histogram } from "../histogram.ts";
import type { Hub } from "../hub.ts";
import type { CameraEvents } from "./camera-events.ts";
import { Exposition, type Labels, type Sample } from "./exposition.ts";
import type { HttpViewers } from "./http-viewer.ts";
import type { LoopLag } from "./loop-lag.ts";

/** What the metrics are read from. */
export interface Observed {
	hub: Hub;
	viewers: HttpViewers;
	events: CameraEvents;
	lag: LoopLag;
}

const STATES = ["live", "connecting", "offline"] as const;
const UNLABELLED: Labels = {};

/** Everything `/metrics` tells, read anew: labels are a camera's id, its state, or why a frame was lost, nothing else. */
export function metricsText({ hub, viewers, events, lag }: Observed): string {
	const cameras = [...hub.cameras];
	const now = hub.clock();
	const out = new Exposition();
	const each = (of: (camera: Camera) => number | null | undefined): Sample[] =>
		cameras.flatMap((camera) => {
			const value = of(camera) ?? null;
			return value === null ? [] : [[{ camera: camera.id }, value] as const];
		});
	const one = (value: number): Sample[] => [[UNLABELLED, value]];
	const histograms = (of: (camera: Camera) => Histogram) =>
		cameras.map((camera) => [{ camera: camera.id }, of(camera)] as const);
	const encoders = (of: (counters: { encoded: number; notEncoded: number; refused: number }) => number) =>
		each(({ agentStats }) => agentStats?.renditions.reduce((sum, one) => sum + of(one), 0));

	out.gauge(
		"sightline_cameras",
		"Cameras known, by state.",
		STATES.map((state) => [{ state }, cameras.filter(({ status }) => status.state === state).length]),
	);
	out.gauge(
		"sightline_camera_live",
		"1 while the camera gives pictures.",
		each(({ isLive }) => Number(isLive)),
	);
	out.gauge(
		"sightline_camera_viewers",
		"Viewers of the camera, of every kind.",
		each(({ subscribers }) => subscribers.size),
	);
	out.gauge(
		"sightline_camera_renditions",
		"Renditions the agent is asked to make.",
		each(({ demand }) => demand.renditions(now).length),
	);
	out.gauge("sightline_page_connections", "WebSockets that watch.", one(hub.viewers.size));
	out.gauge("sightline_http_viewers", "Snapshot and MJPEG requests being served.", one(viewers.open.size));
	out.gauge("sightline_event_streams", "Readers of /api/events.", one(events.streamCount));
	out.counter(
		"sightline_http_stalled_total",
		"HTTP viewers ended because they took nothing.",
		one(viewers.stalled),
	);

	out.counter(
		"sightline_frames_received_total",
		"Frames taken from agents.",
		each(({ received }) => received.frames),
	);
	out.counter(
		"sightline_received_bytes_total",
		"Bytes of those frames.",
		each(({ received }) => received.bytes),
	);
	out.counter(
		"sightline_frames_refused_total",
		"Frames of agents that were not what they said.",
		each(({ received }) => received.refused),
	);
	out.counter(
		"sightline_frames_sent_total",
		"Frames handed to viewers.",
		each(({ traffic }) => traffic.sent.frames),
	);
	out.counter(
		"sightline_sent_bytes_total",
		"Bytes of those frames.",
		each(({ traffic }) => traffic.sent.bytes),
	);
	out.counter(
		"sightline_frames_lost_total",
		"Frames a viewer did not get: replaced by a newer one, dropped by its socket, more than it takes (not_due), or of no use before the next key (awaiting_key).",
		cameras.flatMap(({ id, traffic }) => [
			[{ camera: id, reason: "replaced" }, traffic.replaced] as const,
			[{ camera: id, reason: "dropped" }, traffic.dropped] as const,
			[{ camera: id, reason: "not_due" }, traffic.notDue] as const,
			[{ camera: id, reason: "awaiting_key" }, traffic.awaitingKey] as const,
		]),
	);
	out.histogramOfMs(
		"sightline_frame_age_seconds",
		"From capture to being handed to a viewer's socket.",
		histograms(({ traffic }) => traffic.age),
	);
	out.histogramOfMs(
		"sightline_encode_seconds",
		"From capture to encoded, at the agent.",
		histograms(({ traffic }) => traffic.encoding),
	);

	out.counter(
		"sightline_agent_frames_captured_total",
		"Frames the agent took from the source.",
		each(({ agentStats }) => agentStats?.captured),
	);
	out.counter(
		"sightline_agent_frames_replaced_total",
		"Captured frames replaced by a newer one before the encoders took them.",
		each(({ agentStats }) => agentStats?.replaced),
	);
	out.counter(
		"sightline_agent_frames_encoded_total",
		"Frames encoded, all renditions.",
		encoders(({ encoded }) => encoded),
	);
	out.counter(
		"sightline_agent_frames_not_encoded_total",
		"Frames left out because the uplink had no room.",
		encoders(({ notEncoded }) => notEncoded),
	);
	out.gauge(
		"sightline_uplink_bits_per_second",
		"What the connection of the camera's agent carries; its cameras share it.",
		each(({ id }) => hub.publisherOf(id)?.uplinkBps),
	);

	out.histogramOfMs("sightline_event_loop_lag_seconds", "How late the relay's timer comes.", [
		[UNLABELLED, lag.histogram],
	]);
	out.counter("sightline_faults_total", "Exceptions that are a fault of the relay.", one(faults.count));
	const { user, system } = process.cpuUsage();
	out.counter("process_cpu_seconds_total", "CPU time of the relay.", one((user + system) / 1e6));
	out.gauge("process_resident_memory_bytes", "Memory of the relay.", one(process.memoryUsage.rss()));
	out.gauge(
		"process_start_time_seconds",
		"Start of the relay, Unix time.",
		one(performance.timeOrigin / 1_000),
	);
	return out.text;
}
