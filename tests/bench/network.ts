// The product and what others do, over links that replay a trace of rates: real relay, agent and viewers, the ages of
// what is on screen. Links are packets between the kernel's own TCP where root allows, else TCP streams taken apart.
import { parseArgs } from "node:util";
import { Bench } from "./network/bench.ts";
import { compare, printed, summaryOf } from "./network/comparison.ts";
import { fair, starved, uplink } from "./network/crowds.ts";
import { NETWORK_KINDS, type NetworkKind, openNetwork } from "./network/open-network.ts";
import { isOwn, POLICIES, type Policy } from "./network/policies.ts";
import { buffers, drop10x, outage, rtt200, slow48k, sourceRates, type Table } from "./network/scenarios.ts";
import { readTraces, SYNTHETIC } from "./network/trace.ts";
import { report } from "./report.ts";

const SCENARIOS: Record<string, (bench: Bench) => Promise<Table>> = {
	drop10x,
	outage,
	buffers,
	rtt200,
	slow48k,
	fps: sourceRates,
	fair,
	starved,
	uplink,
};

const USAGE = `bun run bench network [options]
  --trace FILE|FOLDER  rates to replay, CSV of time_ms,kbit_per_s (several of this bench's own)
  --rtt MS             round trip without queues (80)
  --buffer MS          the bottleneck's queue, in time at the mean rate (500)
  --seconds S          length of a run (60)
  --policy NAME,...    ${Object.keys(POLICIES).join(", ")} (all)
  --viewers N          on one bottleneck (1)
  --uplink             the trace is for the agent's leg; only the product
  --scenario NAME,...  ${Object.keys(SCENARIOS).join(", ")}, all; only the product
  --camera SOURCE      what the agent shows (a scene as hard to encode as the ladder's photographs)
  --link KIND          tun: packets, Linux and root; tcp: streams; auto (auto)
  --congestion NAME    TCP congestion control on a tun link (cubic)
  --json               the last line is one JSON object`;

const { values: options } = parsed();
const number = (name: "rtt" | "buffer" | "seconds" | "viewers") => {
	const value = Number(options[name]);
	return Number.isFinite(value) && value > 0
		? value
		: fail(`--${name} ${options[name]}: expected a number above 0`);
};
const policies = oneOrMore("policy", Object.keys(POLICIES)) as Policy[];
const scenarios = options.scenario === undefined ? [] : oneOrMore("scenario", Object.keys(SCENARIOS));
const kind = options.link as NetworkKind;
if (!NETWORK_KINDS.includes(kind)) fail(`--link ${kind}: expected one of ${NETWORK_KINDS.join(", ")}`);
if (options.uplink && options.policy === undefined) policies.splice(0, policies.length, "ours");
if (options.uplink && !policies.every(isOwn)) fail("--uplink: only with the product's own policies");

await using network = openNetwork(kind, options.congestion);
using bench = new Bench({
	network,
	rttMs: number("rtt"),
	bufferMs: number("buffer"),
	traces: options.trace === undefined ? [] : tracesOf(options.trace),
	seconds: options.seconds === undefined ? null : number("seconds"),
	source: options.camera ?? null,
});
const setting = {
	bench: "network",
	link: network.kind,
	congestionControl: network.congestionControl,
	rttMs: bench.rttMs,
	bufferMs: bench.bufferMs,
};
console.error(
	Object.entries(setting)
		.map(([name, value]) => `${name} ${value}`)
		.join(", "),
);

if (scenarios.length > 0) {
	const results: Record<string, Table> = {};
	for (const name of scenarios) {
		results[name] = await SCENARIOS[name]!(bench);
		console.log(`${name}\n${Bun.inspect.table(results[name], { colors: false })}`);
	}
	report([], { ...setting, scenarios: results });
} else {
	const traces = bench.traces.length > 0 ? bench.traces : Object.values(SYNTHETIC).map((make) => make());
	const rows = await compare(bench, {
		policies,
		traces,
		viewers: number("viewers"),
		isUplink: options.uplink,
	});
	const summary = summaryOf(rows);
	const lines = traces.length > 1 ? [...rows, ...summary] : rows;
	report(lines.map(printed), { ...setting, rows, summary });
}

function parsed() {
	try {
		return parseArgs({
			options: {
				trace: { type: "string" },
				rtt: { type: "string", default: "80" },
				buffer: { type: "string", default: "500" },
				seconds: { type: "string" },
				policy: { type: "string" },
				viewers: { type: "string", default: "1" },
				uplink: { type: "boolean", default: false },
				scenario: { type: "string" },
				camera: { type: "string" },
				congestion: { type: "string", default: "cubic" },
				link: { type: "string", default: "auto" },
				json: { type: "boolean" },
			},
		});
	} catch (cause) {
		return fail((cause as Error).message);
	}
}

/** The names given to an option, "all" or nothing standing for every one. */
function oneOrMore(option: "policy" | "scenario", known: readonly string[]): string[] {
	const names = (options[option] ?? "all").split(",");
	if (names.includes("all")) return [...known];
	for (const name of names)
		if (!known.includes(name)) fail(`--${option} ${name}: expected ${known.join(", ")}`);
	return names;
}

function tracesOf(path: string) {
	try {
		return readTraces(path);
	} catch (cause) {
		return fail(`--trace ${(cause as Error).message}`);
	}
}

function fail(words: string): never {
	console.error(`${words}\n${USAGE}`);
	process.exit(2);
}
