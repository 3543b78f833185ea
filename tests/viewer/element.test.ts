import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { openPage } from "../support/chromium.ts";
import { until } from "../support/until.ts";
import { cameraStatus, FakeRelay, type SentPicture } from "./fake-relay.ts";
import { launch } from "./page.ts";
import { plain } from "./scenes.ts";

let browser: Browser;
let red: SentPicture;

beforeAll(async () => {
	[browser, red] = await Promise.all([launch(), plain("#f00")]);
}, 60_000);
afterAll(() => browser?.close());

/** A page of another site with this body, under a policy as strict as the element can live with. */
function otherSite(relay: FakeRelay, body: string) {
	const policy = `default-src 'none'; script-src ${relay.url}; worker-src blob:; connect-src ws:`;
	return Bun.serve({
		port: 0,
		hostname: "localhost",
		fetch: () =>
			new Response(`<!doctype html><script type="module" src="${relay.url}live-camera.js"></script>${body}`, {
				headers: { "Content-Type": "text/html", "Content-Security-Policy": policy },
			}),
	});
}

test("<live-camera> shows one camera in another site's page, from one file, under a strict policy", async () => {
	await using relay = new FakeRelay();
	relay.cameras = [cameraStatus("bench", 1), cameraStatus("door", 2)];
	await using site = otherSite(relay, `<live-camera camera="door"></live-camera>`);
	await using opened = await openPage(browser, { width: 656 }); // 8 px of margin on either side
	const { page, problems } = opened;
	const requests: string[] = [];
	page.on("request", (request) => requests.push(request.url()));
	await page.goto(site.url.href);
	await relay.heard(() => relay.watched?.length === 1, "a watch list");
	expect(relay.watched?.[0]).toMatchObject({ id: "door", maxLines: 360 });
	relay.send("door", red);
	const tile = page.locator("live-camera article[data-camera=door]");
	await tile.and(page.locator("[data-frames='1']")).waitFor();
	const box = await page.locator("live-camera").boundingBox();
	expect(box).toMatchObject({ width: 640, height: 360 });
	const fit = await page
		.locator("live-camera canvas")
		.first()
		.evaluate((one) => getComputedStyle(one).objectFit);
	expect(fit).toBe("contain"); // its styles are there
	const loaded = requests.filter((url) => url.startsWith("http") && !url.endsWith("/favicon.ico"));
	expect(loaded).toEqual([site.url.href, `${relay.url}live-camera.js`]);

	await page.locator("live-camera").evaluate((element) => element.setAttribute("camera", "bench"));
	await relay.heard(() => relay.watched?.[0]?.id === "bench", "the other camera");
	await until(() => relay.connections === 1, { what: "the first connection to be closed" });
	await page.locator("live-camera").evaluate((element) => element.setAttribute("camera", "garage"));
	await page.locator("live-camera [data-notice]", { hasText: "There is no camera “garage”" }).waitFor();
	await page.locator("live-camera").evaluate((element) => element.remove());
	await until(() => relay.connections === 0, { what: "no connection" });
	expect(problems.filter((problem) => !problem.includes("favicon"))).toEqual([]);
}, 30_000);
