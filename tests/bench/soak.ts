// Memory of relay and agent at 30 fps while 50 viewers on three rungs come and go; before that, what both cost idle.
import { join } from "node:path";
import { cpuMs, openDescriptors, processTree, rssBytes } from "../support/proc.ts";
import { Running, startAgent, startRelay } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { numberOption, report, rounded } from "./report.ts";

const minutes = numberOption("minutes", 10);
const viewers = numberOption("viewers", 50);
const idleSeconds = numberOption("idle", 20);
const STAY_SECONDS = 5;
const RUNGS = "0,4,6";
const SAMPLE_MS = 5_000;
const WARM_SHARE = 0.25; // of the run, until every code path was compiled and every pool filled

await using relay = await startRelay();
await using agent = startAgent({ relayUrl: relay.url, camera: "test:", env: { CAMERA_NAME: "Bench" } });
await until(async () => (await fetch(`${relay.url}/readyz`)).ok, {
	what: "a live camera",
	timeoutMs: 20_000,
});

const agentTree = () => processTree(agent.pid);
const idle = { relay: await corePercent(() => [relay.pid]), agent: await corePercent(agentTree) };

interface Sample {
	minute: number;
	relayMB: number;
	agentMB: number;
	relayFds: number;
	agentFds: number;
}
const samples: Sample[] = [];
const command = ["bun", join(import.meta.dir, "churn.ts"), relay.url, `${viewers}`, `${STAY_SECONDS}`, RUNGS];
await using crowd = new Running({ name: "crowd", command });
const startTime = performance.now();
while (performance.now() - startTime < minutes * 60_000) {
	await Bun.sleep(SAMPLE_MS);
	const tree = agentTree();
	samples.push({
		minute: rounded((performance.now() - startTime) / 60_000, 2),
		relayMB: rounded(rssBytes(relay.pid) / 1e6),
		agentMB: rounded(rssBytes(...tree) / 1e6),
		relayFds: openDescriptors(relay.pid),
		agentFds: openDescriptors(...tree),
	});
}
const crowdTotals = JSON.parse(crowd.lines.at(-1)!) as { joined: number; received: number };
const steady = samples.slice(Math.floor(samples.length * WARM_SHARE));
report(
	samples.filter((_, i) => i % Math.max(1, Math.floor(samples.length / 12)) === 0),
	{
		bench: "soak",
		minutes,
		viewers,
		...crowdTotals,
		idleCorePercent: idle,
		relayMB: range(steady.map(({ relayMB }) => relayMB)),
		agentMB: range(steady.map(({ agentMB }) => agentMB)),
		relayFds: range(steady.map(({ relayFds }) => relayFds)),
		agentFds: range(steady.map(({ agentFds }) => agentFds)),
	},
);

/** Share of one core over some seconds in which nobody watches. */
async function corePercent(pids: () => number[]): Promise<number> {
	const before = cpuMs(...pids());
	await Bun.sleep(idleSeconds * 1000);
	return rounded((cpuMs(...pids()) - before) / idleSeconds / 10, 2);
}

/** Least and most, and the growth in percent from the first to the last third, by their means. */
function range(values: number[]): { min: number; max: number; growthPercent: number } {
	const third = Math.max(1, Math.floor(values.length / 3));
	const mean = (part: number[]) => part.reduce((a, b) => a + b, 0) / part.length;
	const growth = (mean(values.slice(-third)) / mean(values.slice(0, third)) - 1) * 100;
	return { min: Math.min(...values), max: Math.max(...values), growthPercent: rounded(growth) };
}
