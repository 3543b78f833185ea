import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Meter, type Painted } from "../../viewer/meter.ts";

function painted(presentationTime: number, ageMs: number): Painted {
	const captureTime = presentationTime - ageMs;
	return {
		captureTime,
		encodeMs: ageMs * 0.2,
		relayTime: captureTime + ageMs * 0.5,
		sendTime: captureTime + ageMs * 0.6,
		receiveTime: captureTime + ageMs * 0.9,
		presentationTime,
		processingDuration: 5,
	};
}

describe("age", () => {
	test("is that of the frame in the middle of the last half second", () => {
		const meter = new Meter();
		for (const [time, ageMs] of [
			[0, 900],
			[600, 40],
			[700, 400],
			[800, 50],
		] as const)
			meter.painted(time, painted(time, ageMs));
		expect(meter.age(800)?.ageMs).toBeCloseTo(50);
	});

	test("stays that of the last frame when none follows", () => {
		const meter = new Meter();
		meter.painted(0, painted(0, 70));
		expect(meter.age(60_000)?.ageMs).toBeCloseTo(70);
	});

	test("is unknown before the relay's clock is", () => {
		const meter = new Meter();
		meter.painted(0, null);
		expect(meter.age(0)).toBeNull();
		expect(meter.frames).toBe(1);
	});

	test("is the sum of its stages, whatever the frames", () => {
		fc.assert(
			fc.property(fc.array(fc.double({ min: 0, max: 5_000, noNaN: true }), { minLength: 1 }), (ages) => {
				const meter = new Meter();
				for (const [i, ageMs] of ages.entries()) meter.painted(i * 33, painted(i * 33, ageMs));
				const age = meter.age(ages.length * 33)!;
				const sum = Object.values(age.stages).reduce((a, b) => a + b, 0);
				expect(sum).toBeCloseTo(age.ageMs, 3);
			}),
		);
	});
});

test("the interval is the usual one, whatever single gap there was", () => {
	const meter = new Meter();
	expect(meter.intervalMs).toBeNull();
	for (const time of [0, 33, 66, 99, 12_000, 12_033, 12_066]) meter.painted(time, painted(time, 20));
	expect(meter.intervalMs).toBeCloseTo(33);
});

test("rates start anew after a pause", () => {
	const meter = new Meter();
	for (let time = 0; time <= 1_000; time += 100) {
		meter.received(time, 1_000);
		meter.painted(time, painted(time, 20));
	}
	expect(meter.framesPerSecond(1_000)).toBeCloseTo(10, 0);
	expect(meter.bitsPerSecond(1_000)).toBeCloseTo(80_000, -4);
	meter.reset();
	expect(meter.framesPerSecond(1_000)).toBe(0);
	expect(meter.age(1_000)).toBeNull();
});
