import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { LAN_HOST, launchChromium } from "../support/chromium.ts";
import { setVisibility } from "../support/page-conditions.ts";
import { type Running, startAgent, startRelay } from "../support/processes.ts";
import { SlowLink } from "../support/slow-link.ts";
import { until } from "../support/until.ts";
import { ViewerPage } from "./page.ts";

const FAST = 5_000_000; // bytes per second
const DELAY_MS = 20;
const SHAPE = { downBps: FAST, upBps: FAST, delayMs: DELAY_MS };

let browser: Browser;
let relay: Running & { url: string };
let agent: Running;
beforeAll(async () => {
	[browser, relay] = await Promise.all([
		launchChromium(),
		startRelay({ env: { ALLOWED_ORIGINS: `http://${LAN_HOST}` } }),
	]);
	agent = startAgent({ relayUrl: relay.url, camera: "test:", env: { CAMERA_NAME: "Bench" } });
	await until(async () => (await fetch(`${relay.url}/readyz`)).ok, {
		what: "a live camera",
		timeoutMs: 20_000,
	});
}, 60_000);
afterAll(async () => {
	await browser.close();
	await agent[Symbol.asyncDispose]();
	await relay[Symbol.asyncDispose]();
});

const slowLink = () =>
	new SlowLink({
		targetPort: Number(new URL(relay.url).port),
		...SHAPE,
		bufferBytes: 32_000,
	});

test.each([
	{ codec: "JPEG", host: LAN_HOST, high: 5, low: 1, slowBps: 190_000 }, // 1.5 Mbit/s: a third of rung 5
	{ codec: "H.264", host: "127.0.0.1", high: 203, low: 202, slowBps: 20_000 },
])(
	"a network that gets slow and fast again: the rung of $codec falls and rises, the age stays below a second, nothing reconnects",
	async ({ host, high, low, slowBps }) => {
		await using link = slowLink();
		await using page = await ViewerPage.open(browser, `http://${host}:${link.port}/`);
		await page.reaches("bench", "live");
		let dials = 0;
		page.page.on("websocket", () => dials++);
		const rung = async () => Number(await page.tile("bench", "rendition"));
		const worst = { ageMs: 0 };
		const watch = async () => {
			worst.ageMs = Math.max(worst.ageMs, Number(await page.tile("bench", "ageMs")));
		};
		await until(async () => (await rung()) >= high, {
			what: "a high rung on a fast link",
			timeoutMs: 30_000,
		});
		link.shape({ ...SHAPE, downBps: slowBps });
		await until(
			async () => {
				await watch();
				return (await rung()) <= low;
			},
			{ what: "a low rung on a slow link", timeoutMs: 30_000, intervalMs: 100 },
		);
		await page.paints("bench", 30);
		await watch();
		expect(await page.tile("bench", "state")).toBe("live");
		link.shape(SHAPE);
		await until(async () => (await rung()) >= high, { what: "a high rung again", timeoutMs: 40_000 });
		expect(worst.ageMs).toBeLessThan(1_000);
		expect(dials).toBe(0);
		expect(page.problems).toEqual([]);
	},
	120_000,
);

test("a hidden tab takes no bytes, and shows the newest frame when it is seen again", async () => {
	await using link = slowLink();
	await using page = await ViewerPage.open(browser, `http://127.0.0.1:${link.port}/`);
	await page.reaches("bench", "live");
	await setVisibility(page.page, "hidden");
	const viewers = async () =>
		((await (await fetch(`${relay.url}/api/cameras/bench`)).json()) as { viewers: number }).viewers;
	await until(async () => (await viewers()) === 0, { what: "no viewer" });
	let before = 0;
	await until(
		() => {
			const isQuiet = link.traffic.downBytes - before < 500;
			before = link.traffic.downBytes;
			return isQuiet;
		},
		{ what: "what was on its way to arrive", intervalMs: 200 },
	);
	const hiddenTime = Date.now();
	// Three pings and their answers go by: that long nothing else may come.
	await until(() => Date.now() - hiddenTime > 3_000, { what: "three seconds", timeoutMs: 5_000 });
	expect(link.traffic.downBytes - before).toBeLessThan(2_000);
	await setVisibility(page.page, "visible");
	await until(async () => Number(await page.tile("bench", "captureTime")) > hiddenTime + 2_900, {
		what: "a frame captured after the return",
	});
	expect(page.problems).toEqual([]);
}, 60_000);

test("the age by stage is on the page and sums up", async () => {
	await using link = slowLink();
	await using page = await ViewerPage.open(browser, `http://127.0.0.1:${link.port}/?camera=bench`);
	await page.reaches("bench", "live");
	await page.paints("bench", 30);
	await page.page.keyboard.press("i");
	await page.page.waitForSelector("[data-panel=details] output[data-stat=age]");
	const read = () =>
		page.page.evaluate(() =>
			Object.fromEntries(
				[...document.querySelectorAll<HTMLElement>("[data-panel=details] output[data-stat]")].map((one) => [
					one.dataset.stat,
					Number.parseFloat(one.textContent ?? ""),
				]),
			),
		);
	const { age, encode, uplink, relay: inRelay, downlink, draw } = (await read()) as Record<string, number>;
	expect(Math.abs(encode! + uplink! + inRelay! + downlink! + draw! - age!)).toBeLessThan(0.5);
	expect(downlink).toBeGreaterThan(DELAY_MS * 0.8);
}, 60_000);
