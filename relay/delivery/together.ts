import type { Camera, CameraAgent } from "../camera.ts";
import type { Subscriber } from "./subscriber.ts";

/**
 * Wishes of these cameras' subscribers changed: decides anew what is made and who gets which. Once for each agent,
 * over all its cameras, because they share its uplink; so collect the changes of one message or one look first.
 */
export function decideAnew(cameras: Iterable<Camera>, now: number): void {
	const agents = new Set<CameraAgent>();
	for (const camera of new Set(cameras)) {
		if (camera.agent) agents.add(camera.agent);
		else camera.allocate(now, null);
	}
	for (const agent of agents) agent.shareUplink(now);
}

/** Joins those that have not yet and decides for all of them, and for `left`, the cameras somebody left. */
export function startTogether(
	subscribers: readonly Subscriber[],
	now: number,
	left: readonly Camera[] = [],
): void {
	const joined = subscribers.filter((subscriber) => subscriber.join(now));
	decideAnew([...subscribers.map(({ camera }) => camera), ...left], now);
	for (const subscriber of joined) subscriber.begin(now);
}
