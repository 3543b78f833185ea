import { expect, test } from "bun:test";
import { openDescriptors, processTree } from "../support/proc.ts";
import { Clinic } from "../support/rounds.ts";
import { Ward } from "../support/ward.ts";

const ROUNDS = 2; // of six faults each; `bench sources` makes a hundred
const HEALED_MS = 4_000;

test("sources that hang or vanish: noticed, healed within 4 s, nothing left open", async () => {
	await using ward = await Ward.open(1);
	await using clinic = await Clinic.open(ward);
	const tree = processTree(clinic.agent.pid);
	const before = openDescriptors(...tree);
	for (let round = 0; round < ROUNDS; round++)
		for (const { ailment, noticedMs, healedMs } of await clinic.round(ward.patients)) {
			expect([ailment, noticedMs < HEALED_MS]).toEqual([ailment, true]);
			expect([ailment, healedMs < HEALED_MS]).toEqual([ailment, true]);
		}
	expect(processTree(clinic.agent.pid)).toEqual(tree); // no fault cost the worker its life
	expect(Math.abs(openDescriptors(...tree) - before)).toBeLessThanOrEqual(2);
}, 60_000);
