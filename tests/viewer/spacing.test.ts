import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import sharp from "sharp";
import { qualityId } from "#shared/ladder.ts";
import { openPage } from "../support/chromium.ts";
import { type Running, startRelay } from "../support/processes.ts";
import { SlowLink } from "../support/slow-link.ts";
import { until } from "../support/until.ts";
import { WireAgent } from "../support/wire-agent.ts";
import { AckTap, type Arrival } from "./ack-tap.ts";
import { launch } from "./page.ts";

const RATE = 2_500; // bytes per ms: 20 Mbit/s
const DELAY_MS = 40;
const SIZE = { width: 640, height: 360 };
const RENDITION = qualityId(55); // chosen by hand: of the camera's own size, whatever the relay would begin with
const FRAMES = 90;

let browser: Browser;
let relay: Running & { url: string };
let pictures: Buffer[];
beforeAll(async () => {
	[browser, relay, pictures] = await Promise.all([
		launch(),
		startRelay(),
		Promise.all([14, 20, 26, 32, 40].map((noise) => noisy(noise))),
	]);
}, 60_000);
afterAll(async () => {
	await browser?.close();
	await relay?.[Symbol.asyncDispose]();
});

/** A JPEG of 20 to 60 kB, the more the noisier. */
async function noisy(sigma: number): Promise<Buffer> {
	const noise = { type: "gaussian" as const, mean: 128, sigma };
	return await sharp({ create: { ...SIZE, channels: 3, background: "#808080", noise } })
		.jpeg({ quality: 55 })
		.toBuffer();
}

interface Spread {
	bodyBytes: number;
	/** Spacing of header and body, ms. */
	p5: number;
	p50: number;
	p95: number;
}

function spreadsOf(arrivals: Arrival[]): Spread[] {
	const bySize = Map.groupBy(arrivals, ({ bodyBytes }) => bodyBytes);
	return [...bySize]
		.map(([bodyBytes, all]) => {
			const spacings = all.map(({ spacingMs }) => spacingMs).sort((a, b) => a - b);
			const at = (share: number) => spacings[Math.floor(share * (spacings.length - 1))]!;
			return { bodyBytes, p5: at(0.05), p50: at(0.5), p95: at(0.95) };
		})
		.sort((a, b) => a.bodyBytes - b.bodyBytes);
}

// What the flow window of the sender rests on: the receiver's Worker gets header and body as two events, and their
// distance tells what the link carries though it is used to a third only.
test.each(["idle", "busy"] as const)(
	"header and body of a frame arrive as far apart as the link needs, the page being %s",
	async (page) => {
		using agent = await new WireAgent(relay.url, `camera-${page}`).publish();
		agent.live(SIZE);
		await using tap = new AckTap(relay.url);
		await using link = new SlowLink({ targetPort: tap.port, downBps: RATE * 1_000, delayMs: DELAY_MS });
		await using opened = await openPage(browser);
		await opened.page.addInitScript(
			([camera, id]) => localStorage.setItem(`sightline.rendition.${camera}`, `${id}`),
			[agent.id, RENDITION] as const,
		);
		await opened.page.goto(`http://127.0.0.1:${link.port}/?camera=${agent.id}`);
		await until(() => agent.demand?.renditions.includes(RENDITION), { what: "demand", timeoutMs: 15_000 });
		if (page === "busy")
			await opened.page.evaluate(() => {
				setInterval(() => {
					const start = performance.now();
					while (performance.now() - start < 40);
				}, 60);
			});

		let sent = 0;
		const timer = setInterval(() => {
			agent.sendFrame(pictures[sent++ % pictures.length]!, { ...SIZE, rendition: RENDITION });
		}, 50);
		await until(() => tap.arrivals.length >= FRAMES, { what: `${FRAMES} acks`, timeoutMs: 30_000 });
		clearInterval(timer);

		const arrivals = tap.arrivals.slice(10); // the first ones share the link with the page's own loading
		const spreads = spreadsOf(arrivals);
		const [small, large] = [spreads[0]!, spreads.at(-1)!];
		// The slope: the first portion of the test's link, 4 ms long, brings the header together with much of the body.
		const rate = (large.bodyBytes - small.bodyBytes) / (large.p50 - small.p50);
		for (const { bodyBytes, p5, p50, p95 } of spreads)
			console.log(
				`${page}: ${bodyBytes} bytes at 20 Mbit/s need ${(bodyBytes / RATE).toFixed(1)} ms;` +
					` header to body p5 ${p5.toFixed(1)} p50 ${p50.toFixed(1)} p95 ${p95.toFixed(1)} ms`,
			);
		console.log(`${page}: ${(rate / 125).toFixed(1)} Mbit/s by the medians of the smallest and the largest`);
		// A frame that needs 20 ms comes at once only when something stood still meanwhile.
		const long = arrivals.filter(({ bodyBytes }) => bodyBytes > 20 * RATE * 0.95);
		const atOnce = long.filter(({ spacingMs }) => spacingMs < 1).length;
		expect(atOnce / long.length).toBeLessThan(0.25);
		expect(rate).toBeGreaterThan(RATE * 0.6);
		expect(rate).toBeLessThan(RATE * 1.7);
		expect(opened.problems).toEqual([]);
	},
	60_000,
);
