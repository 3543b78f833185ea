// A relay killed hard under many viewers and started again: when each has a picture, and how often it dialed.
import { Crowd } from "../support/crowd.ts";
import { stablePort } from "../support/ports.ts";
import { startAgent, startRelay } from "../support/processes.ts";
import { revive } from "../support/revive.ts";
import { until } from "../support/until.ts";
import { numberOption, percentile, report, rounded } from "./report.ts";

const viewers = numberOption("viewers", 1_000);
const rounds = numberOption("rounds", 3);
const outageMs = numberOption("outage", 1) * 1_000;
const CALM_MS = 6_000; // longer than a connection takes to be proven good
const WINDOW_MS = 5_000;

const now = () => performance.timeOrigin + performance.now();
const port = stablePort();
let relay = await startRelay({ port });
await using _agent = startAgent({
	relayUrl: relay.url,
	camera: "test:?size=320x180&fps=10",
	env: { CAMERA_NAME: "Bench" },
});
await until(async () => (await fetch(`${relay.url}/readyz`)).ok, {
	what: "a live camera",
	timeoutMs: 20_000,
});
await using crowd = new Crowd({ url: relay.url, count: viewers, camera: "bench" });
const joined = await crowd.all(({ frames }) => frames > 0, "to have a picture", 60_000);
const joins = joined.map(({ firstFrameTime, dials }) => firstFrameTime! - dials[0]!);

const rows = [];
for (let round = 1; round <= rounds; round++) {
	await Bun.sleep(CALM_MS);
	await crowd.mark();
	relay.kill("SIGKILL");
	await relay.exited;
	const downTime = now();
	await Bun.sleep(outageMs);
	const revived = await revive({ port });
	relay = revived.relay;
	const { listenTime } = revived;
	const seen = await crowd.all(
		({ firstFrameTime }) => firstFrameTime !== null && firstFrameTime > downTime,
		"to have a picture again",
		60_000,
	);
	const waits = seen.map(({ firstFrameTime }) => firstFrameTime! - listenTime);
	const dials = seen.flatMap((one) => one.dials);
	rows.push({
		round,
		pictureP50: rounded(percentile(waits, 0.5), 0),
		pictureP99: rounded(percentile(waits, 0.99), 0),
		pictureMax: rounded(Math.max(...waits), 0),
		dialsPerViewer: rounded(dials.length / viewers, 2),
		mostDialsOfOne: Math.max(...seen.map((one) => one.dials.length)),
		mostIn5sAfter10s: Math.max(...seen.map((one) => most(one.dials.filter((at) => at - downTime > 10_000)))),
		mostIn100msOfAll: most(dials, 100),
	});
}
const joinMs = { p50: rounded(percentile(joins, 0.5), 0), p99: rounded(percentile(joins, 0.99), 0) };
console.log(`all joined at once: a picture after ${joinMs.p50} ms (p50), ${joinMs.p99} ms (p99)`);
report(rows, { bench: "restart", viewers, outageMs, joinMs, rounds: rows });
await relay[Symbol.asyncDispose]();
process.exit(0);

/** The most of these instants that fall into one stretch of time. */
function most(instants: number[], stretchMs = WINDOW_MS): number {
	const sorted = instants.toSorted((a, b) => a - b);
	let count = 0;
	for (let first = 0, last = 0; last < sorted.length; last++) {
		while (sorted[last]! - sorted[first]! > stretchMs) first++;
		count = Math.max(count, last - first + 1);
	}
	return count;
}
