// Sources that hang, vanish, freeze, die or are cut short, again and again: when it is noticed, when healed, what leaks.
import { openDescriptors, processTree, rssBytes } from "../support/proc.ts";
import { Clinic, type Healing } from "../support/rounds.ts";
import { Ward } from "../support/ward.ts";
import { numberOption, percentile, report, rounded } from "./report.ts";

const faults = numberOption("faults", 100);
const KINDS = 6;
const EACH = 3; // so many of each kind fall ill together
const rounds = Math.max(2, Math.ceil(faults / (KINDS * EACH)));

await using ward = await Ward.open(EACH);
await using clinic = await Clinic.open(ward);
const sizes = () => {
	const tree = processTree(clinic.agent.pid);
	return { tree: tree.join(), descriptors: openDescriptors(...tree), rssMB: rssBytes(...tree) / 1e6 };
};
const healings: Healing[] = [];
let before = sizes();
for (let round = 1; round <= rounds; round++) {
	healings.push(...(await clinic.round(ward.patients)));
	if (round === 1) before = sizes(); // every code path was used once
}
const after = sizes();

const rows = [...new Set(healings.map(({ ailment }) => ailment))].map((ailment) => {
	const own = healings.filter((one) => one.ailment === ailment);
	const noticed = own.map(({ noticedMs }) => noticedMs);
	const healed = own.map(({ healedMs }) => healedMs);
	return {
		ailment,
		count: own.length,
		noticedP50: rounded(percentile(noticed, 0.5), 0),
		noticedMax: rounded(Math.max(...noticed), 0),
		healedP50: rounded(percentile(healed, 0.5), 0),
		healedMax: rounded(Math.max(...healed), 0),
	};
});
report(rows, {
	bench: "sources",
	faults: healings.length,
	rows,
	workerRestarts: before.tree === after.tree ? 0 : 1,
	descriptors: { before: before.descriptors, after: after.descriptors },
	rssMB: { before: rounded(before.rssMB), after: rounded(after.rssMB) },
});
