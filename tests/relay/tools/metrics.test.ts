import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { parser as promql } from "@prometheus-io/lezer-promql";
import parse from "parse-prometheus-text-format";
import dashboard from "../../../docs/grafana-dashboard.json";
import { LoopLag } from "../../../relay/tools/loop-lag.ts";
import { type Running, startAgent, startRelay } from "../../support/processes.ts";
import { until } from "../../support/until.ts";
import { smallJpeg, WireAgent } from "../../support/wire-agent.ts";
import { WireClient } from "../../support/wire-client.ts";

let relay: Running & { url: string };
let jpeg: Buffer;
beforeAll(async () => {
	[relay, jpeg] = await Promise.all([startRelay(), smallJpeg()]);
});
afterAll(() => relay[Symbol.asyncDispose]());

/** One scrape: what an independent parser makes of it, and its series by their exact text. */
class Scrape {
	readonly families: ReturnType<typeof parse>;
	readonly #series: Map<string, number>;

	constructor(text: string) {
		this.families = parse(text);
		const lines = text.split("\n").filter((line) => line !== "" && !line.startsWith("#"));
		this.#series = new Map(
			lines.map((line) => {
				const end = line.lastIndexOf(" ");
				return [line.slice(0, end), Number(line.slice(end + 1))];
			}),
		);
		expect(this.#series.size).toBe(lines.length); // no series stands there twice
	}

	/** As Prometheus names it: `name{label="value"}`; NaN when it is not there. */
	value(series: string): number {
		return this.#series.get(series) ?? Number.NaN;
	}

	/** The samples of a metric, whatever their labels. */
	samplesOf(name: string): string[] {
		return [...this.#series.keys()].filter((series) => series.split("{")[0] === name);
	}
}

async function scrape(url = relay.url): Promise<Scrape> {
	const response = await fetch(`${url}/metrics`);
	expect(response.headers.get("content-type")).toBe("text/plain; version=0.0.4; charset=utf-8");
	return new Scrape(await response.text());
}

describe("/metrics", () => {
	test("counts what happened, no more and no less", async () => {
		using agent = await new WireAgent(relay.url, "counted").publish();
		using good = new WireClient(`${relay.url}/watch`);
		using mute = new WireClient(`${relay.url}/watch`, { acks: false });
		await Promise.all([good.heard("welcome"), mute.heard("welcome")]);
		good.watch({ counted: 0 });
		mute.watch({ counted: 0 });
		await until(() => agent.demand, { what: "demand" });
		agent.say({ type: "uplink", rateBps: 12_000_000 });
		agent.say({
			type: "stats",
			cameras: [
				{
					id: "counted",
					captured: 40,
					replaced: 3,
					renditions: [
						{ id: 0, encoded: 30, notEncoded: 2, refused: 0 },
						{ id: 1, encoded: 5, notEncoded: 1, refused: 0 },
					],
				},
			],
		});
		for (let i = 1; i <= 20; i++) {
			agent.sendFrame(jpeg, { encodeMs: i === 1 ? 40 : 4 });
			await until(() => good.frameCount === i, { what: `frame ${i}`, intervalMs: 1 });
		}
		agent.sendFrame(jpeg, { width: 65 });
		await until(() => agent.acks === 21, { what: "the frames at the relay" });
		const seen = await scrape();
		const told = (name: string, more = "") => seen.value(`sightline_${name}{camera="counted"${more}}`);
		expect(told("frames_received_total")).toBe(20);
		expect(told("received_bytes_total")).toBe(20 * jpeg.length);
		expect(told("frames_refused_total")).toBe(1);
		// All to one, the first to the one that acknowledges nothing, which holds the last: 18 went in between.
		expect(told("frames_sent_total")).toBe(21);
		expect(told("sent_bytes_total")).toBe(21 * jpeg.length);
		expect(told("frames_lost_total", ',reason="replaced"')).toBe(18);
		expect(told("frames_lost_total", ',reason="dropped"')).toBe(0);
		expect(told("camera_viewers")).toBe(2);
		expect(told("camera_renditions")).toBe(1);
		expect(told("camera_live")).toBe(1);
		expect(told("uplink_bits_per_second")).toBe(12_000_000);
		expect(told("agent_frames_captured_total")).toBe(40);
		expect(told("agent_frames_encoded_total")).toBe(35);
		expect(told("agent_frames_not_encoded_total")).toBe(3);
		expect(seen.value("sightline_page_connections")).toBe(2);

		expect([0.002, 0.005, 0.03, 0.05].map((le) => told("encode_seconds_bucket", `,le="${le}"`))).toEqual([
			0, 19, 19, 20,
		]);
		expect([told("encode_seconds_bucket", ',le="+Inf"'), told("encode_seconds_count")]).toEqual([20, 20]);
		expect(told("encode_seconds_sum")).toBeCloseTo(0.04 + 19 * 0.004, 6);
		expect([told("frame_age_seconds_bucket", ',le="+Inf"'), told("frame_age_seconds_count")]).toEqual([
			21, 21,
		]);

		good.close();
		mute.close();
		await until(async () => (await scrape()).value("sightline_page_connections") === 0, {
			what: "the viewers' leaving",
		});
		// Totals stay when those they were counted for have left.
		expect((await scrape()).value('sightline_frames_sent_total{camera="counted"}')).toBe(21);
	});

	test("does not count a kept picture's age when somebody joins", async () => {
		using agent = await new WireAgent(relay.url, "kept").publish();
		agent.sendFrame(jpeg, { captureTime: Date.now() - 3_600_000 });
		await until(() => agent.acks === 1, { what: "the frame at the relay" });
		using client = new WireClient(`${relay.url}/watch`);
		await client.heard("welcome");
		client.watch({ kept: 0 });
		await client.frame();
		const seen = await scrape();
		expect(seen.value('sightline_frames_sent_total{camera="kept"}')).toBe(1);
		expect(seen.value('sightline_frame_age_seconds_count{camera="kept"}')).toBe(0);
	});

	test("has families with help and type, histograms that only grow, and no labels but the promised ones", async () => {
		const seen = await scrape();
		expect(seen.families.length).toBeGreaterThan(20);
		for (const { name, help, type, metrics } of seen.families) {
			expect([name, help.length > 0]).toEqual([name, true]);
			expect(name).toMatch(type === "COUNTER" ? /^(sightline|process)_\w+_total$/ : /^(sightline|process)_/);
			for (const { labels = {} } of metrics)
				expect(Object.keys(labels).filter((label) => !["camera", "state", "reason"].includes(label))).toEqual(
					[],
				);
			const edges = seen.samplesOf(`${name}_bucket`);
			expect(edges.length > 0).toBe(type === "HISTOGRAM");
			// Edges of one series follow each other; the count falls only where the next series begins.
			const counts = edges.map((series) => seen.value(series));
			const falls = counts.filter((count, i) => count < (counts[i - 1] ?? 0)).length;
			expect(falls).toBeLessThan(seen.samplesOf(`${name}_count`).length || 1);
		}
	});

	test("of a camera that left the relay are gone", async () => {
		using agent = await new WireAgent(relay.url, "passing").publish("i");
		await until(async () => (await scrape()).value('sightline_camera_live{camera="passing"}') === 1, {
			what: "the camera",
		});
		agent.say({ type: "publish", instance: "i", cameras: [] });
		await until(async () => !(await (await fetch(`${relay.url}/metrics`)).text()).includes('"passing"'), {
			what: "the end of its metrics",
		});
	});

	test("move with a real camera", async () => {
		await using own = await startRelay();
		await using _agent = startAgent({ relayUrl: own.url, camera: "test:" });
		await until(async () => (await fetch(`${own.url}/readyz`)).ok, { what: "the camera", timeoutMs: 15_000 });
		const leaving = new AbortController();
		const stream = await fetch(`${own.url}/?action=stream`, { signal: leaving.signal });
		const reading = stream.body!.pipeTo(new WritableStream()).catch(() => {});
		const ofCamera = (name: string) => `sightline_${name}{camera="test-card"}`;
		await until(
			async () => {
				const seen = await scrape(own.url);
				return (
					seen.value(ofCamera("frames_sent_total")) > 20 &&
					seen.value(ofCamera("frame_age_seconds_sum")) > 0 &&
					seen.value(ofCamera("agent_frames_encoded_total")) > 20 &&
					seen.value(ofCamera("uplink_bits_per_second")) > 0 &&
					seen.value("sightline_http_viewers") === 1 &&
					seen.value("sightline_event_loop_lag_seconds_count") > 10
				);
			},
			{ what: "metrics that move", timeoutMs: 15_000 },
		);
		leaving.abort();
		await reading;
	});
});

test("loop lag is what a turn comes later than its interval", () => {
	const lag = new LoopLag(50);
	for (const now of [0, 50, 100, 220, 260]) lag.turn(now);
	expect(lag.histogram.sum).toBe(70);
	expect(lag.histogram.counts).toEqual([3, 0, 0, 0, 0, 0, 1, 0, 0, 0]);
});

describe("docs/grafana-dashboard.json", () => {
	const expressions = dashboard.panels.flatMap(({ title, targets }) =>
		targets.map(({ expr }) => ({ title, expr })),
	);
	// Grafana puts these in before Prometheus sees the expression.
	const filled = (expr: string) => expr.replaceAll("$__rate_interval", "1m").replaceAll("$camera", ".*");

	test.each(expressions)("$title: $expr is PromQL and names only what there is", async ({ expr }) => {
		const known = new Map((await scrape()).families.map((family) => [family.name, family]));
		const names: string[] = [];
		promql.parse(filled(expr)).iterate({
			enter(node) {
				if (node.type.isError) throw new Error(`not PromQL at ${node.from}: ${expr}`);
				if (node.name === "VectorSelector")
					names.push(/^\w+/.exec(filled(expr).slice(node.from, node.to))![0]);
			},
		});
		expect(names.length).toBeGreaterThan(0);
		for (const name of names) {
			const family = known.get(name) ?? known.get(name.replace(/_(bucket|sum|count)$/, ""));
			expect([name, family?.type]).toEqual([name, expect.any(String)]);
			expect([name, name.endsWith("_bucket")]).toEqual([name, family!.type === "HISTOGRAM"]);
		}
	});

	test("shows every family but those that others contain", async () => {
		const shown = expressions.map(({ expr }) => expr).join("\n");
		const missing = (await scrape()).families.map(({ name }) => name).filter((name) => !shown.includes(name));
		expect(missing).toEqual([]);
	});
});
