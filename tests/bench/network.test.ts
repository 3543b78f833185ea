import { describe, expect, test } from "bun:test";
import { Bottleneck } from "./network/bottleneck.ts";
import { agesOf, figuresOf, inOrder, jain, type Shown } from "./network/metrics.ts";
import { openNetwork } from "./network/open-network.ts";
import { DropWhenBuffered, FixedInFlight, ReroRule } from "./network/policies.ts";
import { parseTrace, SYNTHETIC, steady, Trace } from "./network/trace.ts";

describe("a trace", () => {
	const trace = parseTrace("t", "time_ms,kbit_per_s\n0,8\n100,0\n200,16\n");

	test("holds each rate until the next row, the last as long as the one before, then starts over", () => {
		expect(trace.lengthMs).toBe(300);
		expect(trace.meanKbps).toBe(8);
		expect([0, 99, 100, 199, 200, 299, 300].map((time) => trace.kbpsAt(time))).toEqual([
			8, 8, 0, 0, 16, 16, 8,
		]);
	});

	test("counts the bytes it carries", () => {
		expect([0, 50, 100, 150, 200, 250, 300, 400].map((time) => trace.bytesUntil(time))).toEqual([
			0, 50, 100, 100, 100, 200, 300, 400,
		]);
	});

	test("tells when a number of bytes is through, outages included", () => {
		expect([0, 50, 100, 101, 200, 300, 350].map((bytes) => trace.timeOf(bytes))).toEqual([
			0, 50, 100, 200.5, 250, 300, 350,
		]);
		for (const make of Object.values(SYNTHETIC)) {
			const own = make();
			for (const bytes of [1, 1_448, 1e6, 1e8])
				expect(own.bytesUntil(own.timeOf(bytes))).toBeCloseTo(bytes, 3);
		}
	});

	test("may begin at any time; line ends of either kind", () => {
		expect(parseTrace("t", "time_ms,kbit_per_s\r\n500,8\r\n600,8\r\n").lengthMs).toBe(200);
	});

	test.each([
		["1,2\n", "t:1:"],
		["time_ms,kbit_per_s\n0,1\n", "t:2:"],
		["time_ms,kbit_per_s\n0,1\n100\n", "t:3:"],
		["time_ms,kbit_per_s\n0,1\n100,-1\n", "t:3:"],
		["time_ms,kbit_per_s\n0,1\n0,1\n", "t:3:"],
		["time_ms,kbit_per_s\n0,1\n100,\n", "t:3:"],
	])("%j is refused by its line", (text, where) => {
		expect(() => parseTrace("t", text)).toThrow(where);
	});

	test("that never carries anything is refused", () => {
		expect(() => new Trace("t", [{ timeMs: 0, kbps: 0 }], 100)).toThrow("never");
	});
});

describe("a bottleneck", () => {
	const bottleneck = (bufferBytes = 1_000) =>
		new Bottleneck<string>({ trace: steady("t", 80), bufferBytes, delayMs: 40 }); // 10 bytes a ms

	test("serves in order at its rate, then delays", () => {
		const link = bottleneck();
		link.push(0, "a", 100);
		link.push(0, "b", 200);
		expect(link.nextArrival).toBe(50);
		expect([link.take(49), link.take(50), link.take(50)]).toEqual([null, "a", null]);
		expect([link.take(69), link.take(70)]).toEqual([null, "b"]);
		expect(link.servedBytes).toBe(300);
	});

	test("saves nothing up while it is idle", () => {
		const link = bottleneck();
		link.push(0, "a", 100);
		link.push(1_000, "b", 100);
		link.take(1_000);
		expect(link.nextArrival).toBe(1_050);
	});

	test("has room for its buffer, and for one item of any size", () => {
		const link = bottleneck(250);
		expect(link.hasRoom(0, 500)).toBe(true);
		link.push(0, "a", 200);
		expect([link.hasRoom(0, 50), link.hasRoom(0, 51), link.hasRoom(20, 250)]).toEqual([true, false, true]);
		expect(link.nextDeparture).toBe(Number.POSITIVE_INFINITY);
	});

	test("waits for the end of an outage", () => {
		const steps = [
			{ timeMs: 0, kbps: 80 },
			{ timeMs: 100, kbps: 0 },
		];
		const link = new Bottleneck<string>({ trace: new Trace("t", steps, 300), bufferBytes: 1e6, delayMs: 0 });
		link.push(150, "a", 10);
		expect(link.nextArrival).toBe(301);
	});

	test("without a trace only delays", () => {
		const link = new Bottleneck<string>({ trace: null, bufferBytes: Infinity, delayMs: 5 });
		link.push(7, "a", 1e9);
		expect([link.take(11), link.take(12)]).toEqual([null, "a"]);
	});
});

describe.each(["tcp", "auto"] as const)("a link of kind %s", (kind) => {
	test("passes everything on in order, and what was asked along it", async () => {
		await using network = openNetwork(kind);
		const sent = new Uint32Array(200_000).map((_, i) => i);
		using server = Bun.serve({
			hostname: network.host,
			port: 0,
			fetch: async (request) => new Response(await request.bytes()),
		});
		const trace = steady("t", 40_000);
		for (const shaped of ["down", "up"] as const) {
			const link = network.lay({ trace, rttMs: 4, bufferMs: 20, shaped, targetPort: server.port! });
			expect(link.startTime).toBeNull();
			const url = `http://${link.host}:${link.port}/`;
			const answers = await Promise.all(
				[1, 2].map(async () => await (await fetch(url, { method: "POST", body: sent })).bytes()),
			);
			for (const answer of answers) expect(Bun.hash(answer)).toBe(Bun.hash(sent));
			expect(link.servedBytes).toBeGreaterThanOrEqual(2 * sent.byteLength);
			expect(link.startTime).not.toBeNull();
		}
	});
});

describe("metrics", () => {
	const picture = (showTime: number, captureTime: number, rendition = 0): Shown => ({
		showTime,
		captureTime,
		rendition,
		bytes: 1_000,
	});
	const scale = { ssimOf: (rendition: number) => 0.8 + rendition / 100, isRung: (id: number) => id < 9 };
	const span = { startTime: 0, fromTime: 1_000, toTime: 2_000 };

	test("the age grows while nothing new is shown", () => {
		const ages = agesOf([picture(1_005, 905), picture(1_995, 1_895)], span);
		expect(ages).toHaveLength(100);
		expect([ages[0], ages[1], ages[98], ages[99]]).toEqual([1_000, 105, 1_075, 1_085]);
	});

	test("a freeze is a gap over 300 ms and counts whole", () => {
		const figures = figuresOf([picture(1_200, 1_100), picture(1_600, 1_500, 2)], span, scale);
		expect(figures.freezesPerMinute).toBe(120);
		expect(figures.frozenShare).toBeCloseTo(0.8);
		expect(figures.framesPerSecond).toBe(2);
		expect(figures.switchesPerMinute).toBe(60);
		expect(figures.kbps).toBe(16);
		expect(figures.rung).toBeCloseTo(1);
	});

	test("SSIM is a mean over time, with nothing for no picture", () => {
		expect(figuresOf([picture(1_500, 1_400)], span, scale).ssim).toBeCloseTo(0.4);
	});

	test("other renditions than rungs have no rung", () => {
		expect(figuresOf([picture(500, 400, 195)], span, scale).rung).toBeNull();
	});

	test("an older picture than the last is not shown", () => {
		expect(inOrder([picture(1, 10), picture(2, 9), picture(3, 10), picture(4, 11)])).toHaveLength(2);
	});

	test("Jain's index", () => {
		expect([jain([1, 1, 1]), jain([1, 0, 0])]).toEqual([1, 1 / 3]);
	});
});

describe("the rivals' rules", () => {
	test("ReRo-CCTV's waits for a whole window, then steps by frames per second", () => {
		const rule = new ReroRule();
		rule.opened(0);
		for (let time = 0; time < 6_000; time += 50) rule.received(time);
		expect([rule.decide(4_900, 60), rule.decide(6_000, 60), rule.decide(6_000, 30)]).toEqual([
			null,
			55,
			null,
		]);
		rule.opened(6_000);
		for (let time = 6_000; time < 12_000; time += 20) rule.received(time);
		expect([rule.decide(12_000, 60), rule.decide(12_000, 95)]).toEqual([65, null]);
	});

	test("drop when buffered: a rung down when a fifth is dropped, up after five clean seconds", () => {
		const sender = new DropWhenBuffered(3, 8);
		sender.rung(0);
		for (let time = 0; time <= 2_100; time += 100)
			if (sender.admits(time, time % 300 ? 0 : 1)) sender.sent(time);
		expect(sender.rung(2_100)).toBe(2);
		for (let time = 2_200; time <= 7_300; time += 100) if (sender.admits(time, 0)) sender.sent(time);
		expect(sender.rung(7_300)).toBe(3);
	});

	test("three in flight waits for acks", () => {
		const sender = new FixedInFlight(3, { topRung: 8, sourceRate: 30 });
		for (let i = 0; i < 3; i++) sender.sent();
		expect(sender.admits()).toBe(false);
		sender.acked(10);
		expect(sender.admits()).toBe(true);
	});
});
