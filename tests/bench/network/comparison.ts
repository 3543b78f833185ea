import { rounded } from "../report.ts";
import { type Bench, figures, spanOf } from "./bench.ts";
import { type Figures, jain, mean, median } from "./metrics.ts";
import type { Policy } from "./policies.ts";
import { run } from "./run.ts";
import type { Trace } from "./trace.ts";

const SECONDS = 60;

/** One policy on one trace; means over its viewers. */
export interface Row extends Figures {
	trace: string;
	policy: Policy;
	utilisation: number;
	/** Of the viewers' rates; null for one viewer. */
	jain: number | null;
	droppedPackets: number;
	/** Connections that ended unasked. */
	lost: number;
	/** How late the bench's own loops were: beyond a few ms the ages are the machine's, not the network's. */
	lagP99: number;
}

/** What to compare. */
export interface Comparison {
	policies: readonly Policy[];
	traces: readonly Trace[];
	/** All on one bottleneck. */
	viewers: number;
	/** The trace is for the agent's leg, the viewers' own is free. */
	isUplink: boolean;
}

/** Each policy over each trace, in turn: at the same time they would take a small machine's cores from each other. */
export async function compare(bench: Bench, comparison: Comparison): Promise<Row[]> {
	const rows: Row[] = [];
	for (const trace of comparison.traces)
		for (const policy of comparison.policies) {
			const row = await measure(bench, trace, policy, comparison);
			rows.push(row);
			const { ageP50, ageP95, framesPerSecond, ssim } = row;
			const ages = `${ageP50.toFixed(0)}/${ageP95.toFixed(0)} ms`;
			console.error(
				`${trace.name} ${policy}: ${ages}, ${framesPerSecond.toFixed(1)} fps, SSIM ${ssim.toFixed(3)}`,
			);
		}
	return rows;
}

async function measure(
	bench: Bench,
	trace: Trace,
	policy: Policy,
	{ viewers, isUplink }: Comparison,
): Promise<Row> {
	const record = await run(bench.network, {
		policy,
		source: bench.source(),
		seconds: bench.seconds(SECONDS),
		shaped: isUplink ? "up" : "down",
		links: [bench.link(trace)],
		viewers: Array.from({ length: viewers }, () => ({
			link: isUplink ? null : 0,
			rendition: null,
			afterMs: 0,
		})),
	});
	const each = record.received.map((_, viewer) => figures(record, viewer, spanOf(record)));
	const of = (key: Exclude<keyof Figures, "rung">) => mean(each.map((one) => one[key]));
	const rungs = each.map(({ rung }) => rung).filter((rung) => rung !== null);
	return {
		trace: trace.name,
		policy,
		ageP50: of("ageP50"),
		ageP95: of("ageP95"),
		ageP99: of("ageP99"),
		framesPerSecond: of("framesPerSecond"),
		freezesPerMinute: of("freezesPerMinute"),
		frozenShare: of("frozenShare"),
		ssim: of("ssim"),
		rung: rungs.length === each.length ? mean(rungs) : null,
		switchesPerMinute: of("switchesPerMinute"),
		kbps: of("kbps"),
		utilisation: record.links[0]!.utilisation,
		jain: viewers > 1 ? jain(each.map(({ kbps }) => kbps)) : null,
		droppedPackets: record.links[0]!.droppedPackets,
		lost: record.lost.length,
		lagP99: record.lag[Math.floor(record.lag.length * 0.99)] ?? Number.NaN,
	};
}

/** Over the traces of each policy: medians of the ages, means of the rest. */
export function summaryOf(rows: readonly Row[]) {
	const policies = [...new Set(rows.map(({ policy }) => policy))];
	return policies.map((policy) => {
		const own = rows.filter((row) => row.policy === policy);
		const middle = (key: "ageP50" | "ageP95" | "ageP99") => median(own.map((row) => row[key]));
		const average = (key: Exclude<keyof Row, "trace" | "policy">) =>
			mean(own.map((row) => row[key] ?? Number.NaN));
		return {
			trace: `all ${own.length}`,
			policy,
			ageP50: middle("ageP50"),
			ageP95: middle("ageP95"),
			ageP99: middle("ageP99"),
			framesPerSecond: average("framesPerSecond"),
			freezesPerMinute: average("freezesPerMinute"),
			frozenShare: average("frozenShare"),
			ssim: average("ssim"),
			rung: own.every(({ rung }) => rung !== null) ? average("rung") : null,
			switchesPerMinute: average("switchesPerMinute"),
			utilisation: average("utilisation"),
			lagP99: average("lagP99"),
		};
	});
}

/** A line of the table people read. */
export function printed(
	row: Omit<Row, "kbps" | "jain" | "droppedPackets" | "lost"> | ReturnType<typeof summaryOf>[number],
) {
	return {
		trace: row.trace,
		policy: row.policy,
		"age p50": Math.round(row.ageP50),
		p95: Math.round(row.ageP95),
		p99: Math.round(row.ageP99),
		fps: rounded(row.framesPerSecond),
		"freezes/min": rounded(row.freezesPerMinute),
		"frozen %": rounded(row.frozenShare * 100),
		SSIM: rounded(row.ssim, 3),
		rung: row.rung === null ? "" : rounded(row.rung),
		"switches/min": rounded(row.switchesPerMinute),
		utilisation: rounded(row.utilisation, 2),
		"own lag": rounded(row.lagP99),
	};
}
