import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { launchChromium, openPage } from "../../support/chromium.ts";
import { type Running, startRelay } from "../../support/processes.ts";
import { until } from "../../support/until.ts";
import { smallJpeg, WireAgent } from "../../support/wire-agent.ts";

let relay: Running & { url: string };
let browser: Browser;
beforeAll(async () => {
	[relay, browser] = await Promise.all([startRelay(), launchChromium()]);
}, 60_000);
afterAll(async () => {
	await browser.close();
	await relay[Symbol.asyncDispose]();
});

/** What the page's image shows: its size and the colour of its middle; null before the first picture. */
async function shown(page: Page): Promise<{ size: string; red: number; blue: number } | null> {
	return await page.evaluate(() => {
		const image = document.querySelector("img")!;
		const { naturalWidth: width, naturalHeight: height } = image;
		if (width === 0) return null;
		const canvas = new OffscreenCanvas(width, height);
		const context = canvas.getContext("2d")!;
		context.drawImage(image, 0, 0);
		const [red, , blue] = context.getImageData(width / 2, height / 2, 1, 1).data;
		return { size: `${width}x${height}`, red: red!, blue: blue! };
	});
}

test("an image element shows every picture as soon as it is there, the first one too, and its end ends the demand", async () => {
	using agent = await new WireAgent(relay.url, "shown").publish();
	await using open = await openPage(browser);
	const { page } = open;
	await page.goto(`${relay.url}/healthz`); // of the relay's own origin: a canvas may be read
	await page.evaluate(() => {
		document.body.innerHTML = '<img src="/cameras/shown/stream.mjpg">';
	});
	const rendition = await until(() => agent.demand?.renditions[0], { what: "demand" });
	for (const [colour, isRed] of [
		["#ff0000", true],
		["#0000ff", false],
		["#ff0000", true],
	] as const) {
		agent.sendFrame(await smallJpeg({ width: 64, height: 48 }, colour), { rendition });
		// Before the 5 s after which the last picture is sent again: nothing else comes to push it out.
		await until(
			async () => {
				const picture = await shown(page);
				return picture?.size === "64x48" && picture.red > 200 === isRed && picture.blue > 200 === !isRed;
			},
			{ what: `the ${colour} picture`, timeoutMs: 4_000 },
		);
	}
	agent.live({ width: 128, height: 96 });
	const larger = await smallJpeg({ width: 128, height: 96 }, "#0000ff");
	agent.sendFrame(larger, { rendition, width: 128, height: 96 });
	await until(async () => (await shown(page))?.size === "128x96", {
		what: "the larger picture",
		timeoutMs: 4_000,
	});
	await page.evaluate(() => document.querySelector("img")!.removeAttribute("src"));
	await until(() => agent.demand?.renditions.length === 0, { what: "no demand" });
	expect(open.problems).toEqual([]);
});

test("a page of another origin shows it only where ALLOWED_ORIGINS names that page", async () => {
	const elsewhere = () =>
		Bun.serve({
			hostname: "127.0.0.1",
			port: 0,
			fetch: () => new Response("<title>wall</title>", { headers: { "Content-Type": "text/html" } }),
		});
	await using named = elsewhere();
	await using foreign = elsewhere();
	await using own = await startRelay({ env: { ALLOWED_ORIGINS: named.url.origin } });
	using agent = await new WireAgent(own.url, "shown").publish();
	const jpeg = await smallJpeg();
	agent.sendFrame(jpeg);
	await using open = await openPage(browser);
	const { page } = open;
	const loads = async (address: string, path: string) => {
		await page.goto(address);
		return await page.evaluate(
			(src) =>
				new Promise<boolean>((resolve) => {
					const image = new Image();
					image.onload = () => resolve(true);
					image.onerror = () => resolve(false);
					image.src = src;
				}),
			`${own.url}${path}`,
		);
	};
	using _playing = every(50, () => {
		for (const rendition of agent.demand?.renditions ?? []) agent.sendFrame(jpeg, { rendition });
	});
	for (const path of ["/cameras/shown/snapshot.jpg", "/cameras/shown/stream.mjpg", "/?action=stream"]) {
		expect([path, await loads(named.url.href, path)]).toEqual([path, true]);
		expect([path, await loads(foreign.url.href, path)]).toEqual([path, false]);
	}
});

function every(ms: number, run: () => void): Disposable {
	const timer = setInterval(run, ms);
	return { [Symbol.dispose]: () => clearInterval(timer) };
}
