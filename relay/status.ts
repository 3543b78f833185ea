import { renditionName } from "#shared/ladder.ts";
import type { Camera } from "./camera.ts";
import type { Hub } from "./hub.ts";

/** What `/api/cameras/:id` answers: the camera's state, who watches what, and the counters of its way. */
export function cameraReport(camera: Camera, now: number) {
	const { status, demand } = camera;
	const subscribers = [...camera.subscribers];
	const sum = (of: (subscriber: (typeof subscribers)[number]) => number) =>
		subscribers.reduce((total, subscriber) => total + of(subscriber), 0);
	return {
		id: status.id,
		name: status.name,
		state: status.state,
		reason: status.reason,
		detail: status.detail,
		since: new Date(status.since).toISOString(),
		source: status.source,
		ladder: status.renditions.map((rendition) => ({
			id: rendition.id,
			name: renditionName(rendition),
			codec: rendition.codec,
			width: rendition.width,
			height: rendition.height,
			...(rendition.codec === "jpeg" ? { quality: rendition.quality } : { maxBps: rendition.maxBps }),
			offer: rendition.offer,
			viewers: demand.countOf(rendition.id),
		})),
		demand: demand.renditions(now),
		viewers: subscribers.length,
		counters: {
			received: camera.received,
			agent: camera.agentStats && {
				captured: camera.agentStats.captured,
				replaced: camera.agentStats.replaced,
				renditions: camera.agentStats.renditions,
			},
			/** Of the viewers connected now. */
			delivery: {
				offered: sum((one) => one.counters.offered),
				sent: sum((one) => one.counters.sent),
				replaced: sum((one) => one.replaced),
				dropped: sum((one) => one.counters.dropped),
				notDue: sum((one) => one.counters.notDue),
				waiting: sum((one) => one.waitingCount),
			},
		},
	};
}

/** Whether somebody could watch something now, and if not, why; names only those cameras that `sees` lets through. */
export function readiness(hub: Hub, sees: (id: string) => boolean): { isReady: boolean; reason: string } {
	const statuses = hub.statuses;
	const live = statuses.filter(({ state }) => state === "live").length;
	if (live > 0) return { isReady: true, reason: `${live} of ${statuses.length} cameras live` };
	if (statuses.length === 0) return { isReady: false, reason: "no agent has published a camera" };
	if (!statuses.every(({ id }) => sees(id)))
		return { isReady: false, reason: `none of ${statuses.length} cameras live` };
	const words = statuses.map(({ id, state, reason }) => `${id} ${state}${reason ? ` (${reason})` : ""}`);
	return { isReady: false, reason: words.join(", ") };
}
