import { percentile, rounded } from "../report.ts";
import { type Bench, figures, spanOf, Timeline } from "./bench.ts";
import { jain, mean } from "./metrics.ts";
import { type RunRecord, run } from "./run.ts";
import type { Table } from "./scenarios.ts";
import { SYNTHETIC, steady } from "./trace.ts";

const MEGABYTE = 1_000_000;
const SETTLE_MS = 5_000;

/** Two and three viewers that come one after the other to one bottleneck. */
export async function fair(bench: Bench): Promise<Table> {
	const rows: Table = [];
	for (const arrivals of [
		[0, 20_000],
		[0, 7_000, 20_000],
	]) {
		const record = await run(bench.network, {
			policy: "ours",
			source: bench.source(),
			seconds: bench.seconds(90),
			shaped: "down",
			links: [bench.link(bench.traces[0] ?? steady("steady16", 16_000))],
			viewers: arrivals.map((afterMs) => ({ link: 0, rendition: null, afterMs })),
		});
		const together = spanOf(record, Math.max(...arrivals) + SETTLE_MS);
		const each = arrivals.map((_, viewer) => figures(record, viewer, together));
		rows.push({
			viewers: arrivals.length,
			Jain: rounded(jain(each.map(({ kbps }) => kbps)), 3),
			"kbit/s": each.map(({ kbps }) => Math.round(kbps)).join(" "),
			"age p95": each.map(({ ageP95 }) => Math.round(ageP95)).join(" "),
			fps: each.map(({ framesPerSecond }) => rounded(framesPerSecond)).join(" "),
			SSIM: each.map(({ ssim }) => rounded(ssim, 3)).join(" "),
			utilisation: rounded(record.links[0]!.utilisation, 2),
			"own lag": rounded(percentile(record.lag, 0.99)),
		});
	}
	return rows;
}

/** Three viewers with good links, to whom a starved one comes at half time: first half against second. */
export async function starved(bench: Bench): Promise<Table> {
	const seconds = bench.seconds(90);
	const halfMs = (seconds * 1_000) / 2;
	const good = { trace: SYNTHETIC.fast(), rttMs: 20, bufferMs: bench.bufferMs };
	const record = await run(bench.network, {
		policy: "ours",
		source: bench.source(),
		seconds,
		shaped: "down",
		links: [good, good, good, { ...good, trace: SYNTHETIC.slow300k() }],
		viewers: [0, 1, 2, 3].map((link) => ({ link, rendition: null, afterMs: link === 3 ? halfMs : 0 })),
	});
	const screens = [0, 1, 2].map((viewer) => new Timeline(record, viewer));
	// The first seconds are left out of both halves: the climb to the top, and the newcomer's first picture.
	const part = (fromMs: number, toMs: number) => screens.flatMap((screen) => screen.ages(fromMs, toMs));
	const alone = part(SETTLE_MS * 2, halfMs);
	const beside = part(halfMs + SETTLE_MS * 2, 2 * halfMs);
	const starving = figures(record, 3, spanOf(record, halfMs));
	return [
		{
			"p50 without": Math.round(percentile(alone, 0.5)),
			"p50 beside": Math.round(percentile(beside, 0.5)),
			"p99 without": Math.round(percentile(alone, 0.99)),
			"p99 beside": Math.round(percentile(beside, 0.99)),
			ratio: rounded(percentile(beside, 0.99) / percentile(alone, 0.99), 2),
			"starved: age p95": Math.round(starving.ageP95),
			"starved: fps": rounded(starving.framesPerSecond),
			"own lag": rounded(percentile(record.lag, 0.99)),
		},
	];
}

// Together 46 Mbit/s at 30 frames a second.
const WISHES = [8, 6, 6, 4, 4, 4, 4, 4, 1, 1];

/** Ten viewers who ask for more than their camera's uplink carries. */
export async function uplink(bench: Bench): Promise<Table> {
	const rows: Table = [];
	for (const trace of bench.traces.length > 0 ? bench.traces : [SYNTHETIC.wander()]) {
		const record = await run(bench.network, {
			policy: "ours",
			source: bench.source(),
			seconds: bench.seconds(60),
			shaped: "up",
			links: [bench.link(trace)],
			viewers: WISHES.map((rendition) => ({ link: null, rendition, afterMs: 0 })),
		});
		const each = WISHES.map((_, viewer) => figures(record, viewer));
		const average = (key: "ageP50" | "ageP95" | "framesPerSecond" | "ssim" | "frozenShare") =>
			mean(each.map((one) => one[key]));
		rows.push({
			trace: trace.name,
			"mean p50": Math.round(average("ageP50")),
			"mean p95": Math.round(average("ageP95")),
			"mean fps": rounded(average("framesPerSecond")),
			"least fps": rounded(Math.min(...each.map(({ framesPerSecond }) => framesPerSecond))),
			"frozen %": rounded(average("frozenShare") * 100),
			SSIM: rounded(average("ssim"), 3),
			utilisation: rounded(record.links[0]!.utilisation, 2),
			"relay MB": memoryOf(record, "relay"),
			"agent MB": memoryOf(record, "agent"),
			"own lag": rounded(percentile(record.lag, 0.99)),
		});
	}
	if (rows.length > 1) rows.push(averageOf(rows));
	return rows;
}

/** Resident memory after a sixth of the run, and its peak and end after that. */
function memoryOf(record: RunRecord, who: "relay" | "agent"): string {
	const settled = record.memory
		.slice(Math.floor(record.memory.length / 6))
		.map((sample) => sample[who] / MEGABYTE);
	const [first = 0, last = 0] = [settled[0], settled.at(-1)];
	return [first, Math.max(...settled), last].map((megabytes) => Math.round(megabytes)).join(" > ");
}

function averageOf(rows: Table): Table[number] {
	const keys = Object.keys(rows[0]!).filter((key) => typeof rows[0]![key] === "number");
	return {
		trace: `mean of ${rows.length}`,
		...Object.fromEntries(keys.map((key) => [key, rounded(mean(rows.map((row) => Number(row[key]))), 3)])),
	};
}
