import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { launchChromium } from "../support/chromium.ts";
import { type Running, startAgent, startRelay } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { ViewerPage } from "./page.ts";

const IDS = Array.from({ length: 9 }, (_, i) => `cam-${i + 1}`);
let browser: Browser;
let relay: Running & { url: string };
let agent: Running;
let folder: string;

beforeAll(async () => {
	folder = mkdtempSync(join(tmpdir(), "grid-"));
	const file = join(folder, "cameras.toml");
	const camera = (id: string) => `[[camera]]\nid = "${id}"\nsource = "test:?size=640x360&fps=5"\n`;
	writeFileSync(file, IDS.map(camera).join("\n"));
	[browser, relay] = await Promise.all([launchChromium(), startRelay()]);
	agent = startAgent({ relayUrl: relay.url, env: { CAMERAS_FILE: file } });
	const isLive = async () =>
		((await (await fetch(`${relay.url}/api/cameras`)).json()) as Status[]).length === 9;
	await until(isLive, { what: "nine cameras", timeoutMs: 30_000 });
}, 60_000);
afterAll(async () => {
	await browser.close();
	await agent[Symbol.asyncDispose]();
	await relay[Symbol.asyncDispose]();
	rmSync(folder, { recursive: true });
});

interface Status {
	id: string;
	state: string;
	demand: number[];
}
/** The cameras whose pictures are asked of the agent. */
async function demanded(): Promise<string[]> {
	const cameras = (await (await fetch(`${relay.url}/api/cameras`)).json()) as Status[];
	return cameras.filter(({ demand }) => demand.length > 0).map(({ id }) => id);
}
const asks = (ids: readonly string[]) =>
	until(async () => (await demanded()).toSorted().join() === ids.toSorted().join(), {
		what: `demand for ${ids}`,
		timeoutMs: 15_000,
	});

test("nine cameras live on one socket; what is scrolled out of sight is not even encoded; enlarging is no reload", async () => {
	await using page = await ViewerPage.open(browser, relay.url, { width: 390, height: 844, hasTouch: true });
	let loads = 0;
	page.page.on("request", (request) => request.isNavigationRequest() && loads++);
	await page.reaches("cam-1", "live");
	let sockets = 0; // besides the one there is
	page.page.on("websocket", () => sockets++);
	const top = await until(
		async () => {
			const seen = await demanded();
			return seen.includes("cam-1") && !seen.includes("cam-9") && seen.length < 6 ? seen : null;
		},
		{ what: "demand for what is in sight", timeoutMs: 15_000 },
	);
	expect(top.length).toBeGreaterThan(2);
	await page.page.locator("[data-camera=cam-9]").scrollIntoViewIfNeeded();
	await page.reaches("cam-9", "live");
	await until(async () => !(await demanded()).includes("cam-1"), {
		what: "no demand for the first",
		timeoutMs: 15_000,
	});
	await page.page.getByRole("button", { name: "Open cam-9" }).click();
	await asks(["cam-9"]);
	await page.page.keyboard.press("g");
	await page.page.setViewportSize({ width: 1280, height: 800 });
	for (const id of IDS) await page.reaches(id, "live");
	await asks(IDS);
	expect([loads, sockets]).toEqual([0, 0]);
	expect(page.problems).toEqual([]);
}, 90_000);
