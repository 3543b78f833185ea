import { percentile, rounded } from "../report.ts";
import { type Bench, figures, spanOf, Timeline, TOP_RUNG } from "./bench.ts";
import { mean } from "./metrics.ts";
import { type RunRecord, run } from "./run.ts";
import { SYNTHETIC, steady, type Trace } from "./trace.ts";

/** A table of figures with one row per run. */
export type Table = Record<string, number | string | null>[];

/** The rate falls to a tenth for 30 s. */
export async function drop10x(bench: Bench): Promise<Table> {
	const [dropMs, returnMs, endMs] = [20_000, 50_000, 80_000];
	const record = await watchAlone(bench, { trace: SYNTHETIC.drop10x(), seconds: endMs / 1_000 });
	const screen = new Timeline(record);
	const rung = screen.bestRung(dropMs - 5_000, dropMs);
	return [
		{
			"s until fresh": screen.secondsUntilFresh(dropMs, returnMs, bench.oldMs),
			"for good": screen.secondsUntilFreshForGood(dropMs, returnMs, bench.oldMs),
			"max age": Math.round(Math.max(...screen.ages(dropMs, returnMs))),
			"rung before": rung,
			"s back to within one rung": screen.secondsUntilRung(returnMs, rung - 1),
			...common(record),
		},
	];
}

/** The link is dead for 2 s, again and again. */
export async function outage(bench: Bench): Promise<Table> {
	const trace = SYNTHETIC.outages();
	const seconds = bench.seconds(100);
	const record = await watchAlone(bench, { trace, seconds });
	const screen = new Timeline(record);
	const rows: Table = [];
	for (let backMs = trace.lengthMs; backMs + 10_000 <= seconds * 1_000; backMs += trace.lengthMs) {
		const rung = screen.bestRung(backMs - 5_000, backMs - 2_000);
		rows.push({
			"link back at s": backMs / 1_000,
			"s until fresh": screen.secondsUntilFresh(backMs, backMs + 10_000, bench.oldMs),
			"max age": Math.round(Math.max(...screen.ages(backMs - 2_000, backMs + 10_000))),
			"s back to within one rung": screen.secondsUntilRung(backMs, rung - 1),
			...common(record),
		});
	}
	return rows;
}

/** A shallow and a bloated queue. */
export async function buffers(bench: Bench): Promise<Table> {
	const rows: Table = [];
	for (const trace of bench.traces.length > 0 ? bench.traces : [SYNTHETIC.wander()]) {
		const [shallow, deep] = [
			await watchAlone(bench, { trace, bufferMs: 100 }),
			await watchAlone(bench, { trace, bufferMs: 3_000 }),
		];
		const p95 = (record: RunRecord) => figures(record, 0).ageP95;
		rows.push({
			trace: trace.name,
			"p95 at 100 ms": Math.round(p95(shallow)),
			"p95 at 3 s": Math.round(p95(deep)),
			"deep / shallow": rounded(p95(deep) / p95(shallow), 2),
			...common(deep),
		});
	}
	return rows;
}

/** A fast link that is far away. */
export async function rtt200(bench: Bench): Promise<Table> {
	return [common(await watchAlone(bench, { trace: SYNTHETIC.fast(), rttMs: 200 }))];
}

/** A link for one small picture a second. */
export async function slow48k(bench: Bench): Promise<Table> {
	const seconds = bench.seconds(90);
	const record = await watchAlone(bench, { trace: steady("slow48k", 48), seconds });
	const screen = new Timeline(record);
	const third = (seconds * 1_000) / 3;
	return [
		{
			...common(record),
			"mean age, first third": Math.round(mean(screen.ages(2_000, third))),
			"last third": Math.round(mean(screen.ages(2 * third, 3 * third))),
		},
	];
}

/** Cameras of other rates on a fast link. */
export async function sourceRates(bench: Bench): Promise<Table> {
	const rows: Table = [];
	const seconds = bench.seconds(40);
	for (const framesPerSecond of [10, 25, 30, 60]) {
		const record = await watchAlone(bench, { trace: SYNTHETIC.fast(), rttMs: 20, seconds, framesPerSecond });
		const late = { ...spanOf(record), fromTime: record.endTime - 10_000 };
		const { rung, framesPerSecond: shown } = figures(record, 0, late);
		const from = (seconds - 10) * 1_000;
		rows.push({
			"source fps": framesPerSecond,
			"fps, last 10 s": rounded(shown),
			"rung, last 10 s": rung === null ? null : rounded(rung),
			"top rung": TOP_RUNG,
			...common(record),
			"age p95, last 10 s": Math.round(percentile(new Timeline(record).ages(from, seconds * 1_000), 0.95)),
		});
	}
	return rows;
}

interface Alone {
	trace: Trace;
	rttMs?: number;
	bufferMs?: number;
	seconds?: number;
	framesPerSecond?: number;
}

async function watchAlone(bench: Bench, { framesPerSecond, seconds, ...link }: Alone): Promise<RunRecord> {
	return await run(bench.network, {
		policy: "ours",
		source: bench.source(framesPerSecond),
		seconds: seconds ?? bench.seconds(60),
		shaped: "down",
		links: [{ ...bench.link(link.trace), ...link }],
		viewers: [{ link: 0, rendition: null, afterMs: 0 }],
	});
}

/** What every table has. */
function common(record: RunRecord) {
	const { ageP50, ageP95, ageP99, framesPerSecond, ssim, rung, switchesPerMinute } = figures(record, 0);
	return {
		"age p50": Math.round(ageP50),
		p95: Math.round(ageP95),
		p99: Math.round(ageP99),
		fps: rounded(framesPerSecond, 2),
		SSIM: rounded(ssim, 3),
		rung: rung === null ? null : rounded(rung),
		"switches/min": rounded(switchesPerMinute),
		lost: record.lost.length,
		"own lag": rounded(percentile(record.lag, 0.99)),
	};
}
