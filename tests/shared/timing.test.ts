import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Backoff } from "#shared/backoff.ts";
import { ClockOffset } from "#shared/clock.ts";
import { CLOSE, retryAfter } from "#shared/close.ts";
import { Heartbeat } from "#shared/heartbeat.ts";
import { Rolling } from "#shared/rolling.ts";
import { sleep } from "#shared/sleep.ts";

describe("Backoff", () => {
	const waits = (backoff: Backoff, count: number) => Array.from({ length: count }, () => backoff.next());

	test("starts within 300 ms, doubles to 1.5 s, and is rare after ten seconds at most", () => {
		const slowest = waits(new Backoff(() => 1), 10);
		expect(slowest).toEqual([300, 600, 1200, ...Array(5).fill(1500), 6000, 6000]);
		const fastest = waits(new Backoff(() => 0), 10);
		expect(fastest).toEqual([0, 300, 600, ...Array(5).fill(750), 5000, 5000]);
	});

	test("waits as told once it is rare", () => {
		expect(waits(new Backoff(() => 0.5, [1000, 2000]), 13).at(-1)).toBe(1500);
	});

	test("a proven connection makes the next failure a first one", () => {
		const backoff = new Backoff(() => 1);
		backoff.next();
		backoff.next();
		backoff.reset();
		expect(backoff.next()).toBe(300);
	});
});

describe("ClockOffset", () => {
	test("finds an hour of difference through jitter that only ever delays", () => {
		fc.assert(
			fc.property(fc.array(fc.tuple(fc.nat(300), fc.nat(300)), { minLength: 1, maxLength: 30 }), (delays) => {
				const clock = new ClockOffset();
				let now = 0;
				for (const [there, back] of delays) {
					const sentTime = now;
					now += there + back + 2;
					clock.add(sentTime, sentTime + 3_600_000 + there + 1, now);
				}
				// Half of the fastest round trip is the most a lopsided path can hide.
				expect(Math.abs(clock.offsetMs - 3_600_000)).toBeLessThanOrEqual(clock.roundTripTime! / 2);
			}),
		);
	});

	test("the fastest of the last eight counts, so a better path and a drifting clock are followed", () => {
		const clock = new ClockOffset();
		expect(clock.isKnown).toBe(false);
		clock.add(0, 105, 10);
		for (let i = 0; i < 7; i++) clock.add(1000, 1100 + 90, 1100);
		expect(clock.offsetMs).toBe(100);
		clock.add(1000, 1100 + 90, 1100);
		expect(clock.offsetMs).toBe(140);
		expect(clock.toRelay(1)).toBe(141);
	});
});

describe("Heartbeat", () => {
	/** What check says at each step of 250 ms, with the steps at which something was heard. */
	function run(heardAt: (time: number) => boolean, untilTime: number): Map<number, string> {
		const heartbeat = new Heartbeat(0, "always");
		const said = new Map<number, string>();
		for (let time = 250; time <= untilTime; time += 250) {
			if (heardAt(time)) heartbeat.heard(time);
			const answer = heartbeat.check(time);
			if (answer !== "wait") said.set(time, answer);
			if (answer === "dead") break;
		}
		return said;
	}

	test("pings once a second and never gives up a peer that answers", () => {
		const said = run((time) => time % 1000 === 0, 10_000);
		expect([...said.values()].every((answer) => answer === "ping")).toBe(true);
		expect(said.size).toBe(10);
	});

	test("gives a silent peer up within 5 seconds", () => {
		expect([...run(() => false, 10_000)].at(-1)).toEqual([4250, "dead"]);
	});

	test("asks only a silent peer when told so", () => {
		const heartbeat = new Heartbeat(0, "when silent");
		const said: string[] = [];
		for (let time = 250; time <= 3000; time += 250) {
			if (time <= 2000) heartbeat.heard(time);
			said.push(heartbeat.check(time));
		}
		expect(said.filter((answer) => answer === "ping")).toHaveLength(1);
		expect(said.at(-1)).toBe("ping");
	});

	test("after this process stood still the peer gets a ping and one second, not the blame", () => {
		const heartbeat = new Heartbeat(0, "always");
		heartbeat.check(250);
		expect(heartbeat.check(30_000)).toBe("ping");
		expect(heartbeat.check(30_900)).not.toBe("dead");
		expect(heartbeat.check(31_100)).toBe("dead");
	});
});

describe("Rolling", () => {
	test("is right from the start and forgets what left the window", () => {
		const rate = new Rolling(1000);
		expect(rate.perSecond(0)).toBe(0);
		for (let i = 0; i <= 3; i++) rate.add(i * 100, 1);
		expect(rate.perSecond(300)).toBe(10);
		for (let i = 4; i <= 30; i++) rate.add(i * 100, 1);
		expect(rate.perSecond(3000)).toBe(10);
		expect(rate.perSecond(3950)).toBe(1);
		expect(rate.perSecond(4100)).toBe(0);
	});
});

test("sleep ends early when the signal aborts", async () => {
	const stopping = new AbortController();
	const slept = sleep(1e9, stopping.signal);
	stopping.abort();
	await slept;
	await sleep(1e9, stopping.signal);
});

test("every close code says whether to dial again, and a broken network does", () => {
	expect(retryAfter(1006)).toBe("soon");
	expect(retryAfter(CLOSE.restarting)).toBe("soon");
	expect(retryAfter(CLOSE.version)).toBe("later");
	expect(retryAfter(CLOSE.replaced)).toBe("never");
});
