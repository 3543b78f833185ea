import { Log } from "#shared/log.ts";
import { sleep } from "#shared/sleep.ts";
import type { Hub, Moving } from "./hub.ts";

const STANDSTILL_MS = 2_000; // nobody left for this long: there is no other relay, or they cannot reach it
const LOOK_MS = 20;
const UNDER_WAY = 50; // viewers told that have not left yet: the next relay is not dialed by all at once
const PATIENCE_MS = 500; // one that takes longer holds nobody up

const log = new Log("relay");

/**
 * Moves everybody to the relay that listens in this one's place: first the agents, which then send to both, so that
 * viewers find their cameras there. Resolves when all viewers have left or nobody has for two seconds.
 */
export async function handOver(hub: Hub): Promise<void> {
	const publishers = [...hub.publishers];
	const before = hub.viewers.size;
	for (const publisher of publishers) publisher.move();
	await progress(() => publishers.filter(({ hasMoved }) => !hasMoved).length);
	if (publishers.length > 0 && publishers.every(({ hasMoved }) => !hasMoved))
		return log.warn("no agent has moved to another relay, going down without it");
	const toldTime = new Map<Moving, number>();
	await progress(() => {
		const now = performance.now();
		const left = [...hub.viewers];
		const underWay = left.filter(
			(one) => now - (toldTime.get(one) ?? Number.NEGATIVE_INFINITY) < PATIENCE_MS,
		).length;
		for (const viewer of left
			.filter((one) => !toldTime.has(one))
			.slice(0, Math.max(0, UNDER_WAY - underWay))) {
			toldTime.set(viewer, now);
			viewer.move();
		}
		return hub.viewers.size;
	});
	log.info("handed over", { viewers: before - hub.viewers.size, left: hub.viewers.size });
}

/** Waits until nothing is left or what is left has not shrunk for a while. */
async function progress(left: () => number): Promise<void> {
	const never = new AbortController().signal;
	let least = Number.POSITIVE_INFINITY;
	let shrunkTime = performance.now();
	for (let now = left(); now > 0; now = left()) {
		if (now < least) shrunkTime = performance.now();
		least = Math.min(least, now);
		if (performance.now() - shrunkTime > STANDSTILL_MS) return;
		await sleep(LOOK_MS, never);
	}
}
