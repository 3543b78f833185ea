import { expect, test } from "bun:test";
import { Turnstile } from "../../relay/turnstile.ts";

test("some pass at once, then one an interval, however often they try", () => {
	const turnstile = new Turnstile({ atOnce: 3, intervalMs: 500 });
	const passed: number[] = [];
	for (let now = 0; now < 5_000; now += 10) if (turnstile.passes(now)) passed.push(now);
	expect(passed).toEqual([0, 10, 20, 500, 1000, 1500, 2000, 2500, 3000, 3500, 4000, 4500]);
});

test("after a rest as many pass at once again", () => {
	const turnstile = new Turnstile({ atOnce: 3, intervalMs: 500 });
	const burst = (now: number) => [1, 2, 3, 4].filter(() => turnstile.passes(now)).length;
	expect([burst(0), burst(100), burst(10_000)]).toEqual([3, 0, 3]);
});
