// A million broken messages of agents, viewers and HTTP clients and 20 000 broken JPEGs at a relay that serves a viewer.

import { Crowd } from "../support/crowd.ts";
import { throwAt } from "../support/fuzz.ts";
import { lieOf, sendBroken } from "../support/jpeg-fuzz.ts";
import { cpuMs, rssBytes } from "../support/proc.ts";
import { startAgent, startRelay } from "../support/processes.ts";
import { WireAgent } from "../support/wire-agent.ts";
import { WireClient } from "../support/wire-client.ts";
import { numberOption, percentile, report, rounded } from "./report.ts";

const messages = numberOption("messages", 1_000_000);
const pictures = numberOption("pictures", 20_000);
const seed = numberOption("seed", Math.ceil(Math.random() * 2 ** 32));
const PARTS = 10;
const CALM_MS = 5_000;

console.error(`seed ${seed}`);
await using relay = await startRelay();
await using _agent = startAgent({
	relayUrl: relay.url,
	camera: "test:?size=320x180&fps=30",
	env: { CAMERA_NAME: "Watched" },
});
await using crowd = new Crowd({ url: relay.url, count: 5, camera: "watched" });
await crowd.all(({ frames }) => frames > 30, "to have a picture");
await crowd.mark();
await Bun.sleep(CALM_MS);
const calm = await watched();

const rows = [];
let hung = 0;
for (let part = 0; part < PARTS; part++) {
	const startTime = performance.now();
	const spentMs = cpuMs(relay.pid);
	const thrown = await throwAt(relay.url, messages / PARTS, seed + part * messages);
	hung += thrown.hung;
	rows.push({
		messages: thrown.messages,
		requests: thrown.requests,
		connections: thrown.connections,
		seconds: rounded((performance.now() - startTime) / 1000),
		relayCpuSeconds: rounded((cpuMs(relay.pid) - spentMs) / 1000),
		relayMB: rounded(rssBytes(relay.pid) / 1e6),
	});
}
const fuzzed = await watched();

const lies: string[] = [];
using agent = await new WireAgent(relay.url, "broken").publish();
using viewer = new WireClient(`${relay.url}/watch`, {
	onFrame: (frame) => {
		const lie = lieOf(frame);
		if (lie) lies.push(lie);
	},
});
await viewer.heard("welcome");
viewer.watch({ broken: 0 });
await sendBroken(agent, pictures, seed);
const { counters } = await (await fetch(`${relay.url}/api/cameras/broken`)).json();

report(rows, {
	bench: "fuzz",
	seed,
	messages,
	seconds: rounded(rows.reduce((sum, row) => sum + row.seconds, 0)),
	hung,
	faults: (await (await fetch(`${relay.url}/healthz`)).json()).faults,
	relayMB: { afterFirstTenth: rows[0]!.relayMB, after: rows.at(-1)!.relayMB },
	watched: { calm, fuzzed },
	pictures: { sent: pictures, passed: counters.received.frames, refused: counters.received.refused, lies },
});
process.exit(0);

/** Frame rate and age at the viewers since the last mark. */
async function watched() {
	const [spectators, ages] = [await crowd.report(), await crowd.ages()];
	await crowd.mark();
	return {
		frames: spectators.reduce((sum, { frames }) => sum + frames, 0) / spectators.length,
		ageP50: rounded(percentile(ages, 0.5)),
		ageP99: rounded(percentile(ages, 0.99)),
		longestGapMs: rounded(Math.max(...spectators.map(({ longestGapMs }) => longestGapMs)), 0),
	};
}
