// Good viewers beside stalled ones, idle sockets, a flooder and one that changes its rung fifty times a second, all at
// once, against the same viewers undisturbed in the same run.
import { join } from "node:path";
import { Crowd } from "../support/crowd.ts";
import { openDescriptors, processTree, rssBytes } from "../support/proc.ts";
import { Running, startAgent, startRelay } from "../support/processes.ts";
import { numberOption, percentile, report, rounded } from "./report.ts";

const good = numberOption("good", 50);
const counts = {
	stalled: numberOption("stalled", 300),
	idle: numberOption("idle", 10_000),
	flooding: numberOption("flooding", 1),
	changing: numberOption("changing", 1),
};
const seconds = numberOption("seconds", 15);
const FRAMES_PER_SECOND = 30;

await using relay = await startRelay();
await using agent = startAgent({
	relayUrl: relay.url,
	camera: `test:?size=640x360&fps=${FRAMES_PER_SECOND}`,
	env: { CAMERA_NAME: "Bench" },
});
await using crowd = new Crowd({ url: relay.url, count: good, camera: "bench", rendition: 2 });
await crowd.all(({ frames }) => frames > 30, "to have a picture");

const rows = [await measured("undisturbed")];
const KINDS = ["idle", "stalled", "flooding", "changing"] as const;
const only = KINDS.find((kind) => process.argv.includes(`--${kind}-only`));
for (const kind of only ? [only] : KINDS)
	rows.push(await attacked(kind, { stalled: 0, idle: 0, flooding: 0, changing: 0, [kind]: counts[kind] }));
if (!only) rows.push(await attacked("all at once", counts));
await Bun.sleep(6_000); // the relay gives a dead peer four seconds
rows.push(await measured("afterwards"));
report(rows, { bench: "hostile", good, ...counts, rows, faults: (await health()).faults });
process.exit(0);

async function attacked(name: string, by: typeof counts) {
	const command = ["bun", join(import.meta.dir, "attackers.ts"), relay.url, "bench"];
	const numbers = [by.stalled, by.idle, by.flooding, by.changing].map(String);
	await using attackers = new Running({ name: "attackers", command: [...command, ...numbers] });
	await attackers.waitForLine(/^attacking$/, 60_000);
	const row = await measured(name);
	const said = attackers.lines.findLast((line) => line.startsWith("{")) ?? "{}";
	console.error(`${name}: ${said}`);
	return row;
}

async function measured(name: string) {
	await crowd.mark();
	await Bun.sleep(seconds * 1000);
	const spectators = await crowd.report();
	const ages = await crowd.ages();
	const rates = spectators.map(({ frames }) => frames / seconds);
	return {
		attack: name,
		"fps mean": rounded(rates.reduce((a, b) => a + b, 0) / rates.length),
		"fps least": rounded(Math.min(...rates)),
		"age p50": rounded(percentile(ages, 0.5)),
		"age p99": rounded(percentile(ages, 0.99)),
		"longest gap": rounded(Math.max(...spectators.map(({ longestGapMs }) => longestGapMs)), 0),
		redials: spectators.reduce((sum, { dials }) => sum + dials.length, 0),
		relayMB: rounded(rssBytes(relay.pid) / 1e6),
		relayFds: openDescriptors(relay.pid),
		agentMB: rounded(rssBytes(...processTree(agent.pid)) / 1e6),
	};
}

async function health(): Promise<{ faults: number }> {
	return (await (await fetch(`${relay.url}/healthz`)).json()) as { faults: number };
}
