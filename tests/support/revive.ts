import { type RelayLaunch, type Running, startRelay } from "./processes.ts";

/** Starts a relay; `listenTime` is when it listened by its own account, ms since the Unix epoch. */
export async function revive(
	launch: RelayLaunch,
): Promise<{ relay: Running & { url: string }; listenTime: number }> {
	const startTime = performance.timeOrigin + performance.now();
	const relay = await startRelay(launch);
	const line = await relay.waitForLine(/listening on .* after \d+ ms/);
	return { relay, listenTime: startTime + Number(/after (\d+) ms/.exec(line)?.[1]) };
}
