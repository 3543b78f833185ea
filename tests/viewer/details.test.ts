import { afterAll, beforeAll, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { TOKEN_FRAGMENT } from "#shared/access.ts";
import { until } from "../support/until.ts";
import { cameraStatus, type SentPicture } from "./fake-relay.ts";
import { look } from "./looks.ts";
import { launch, Visit } from "./page.ts";
import { plain, swingingArm } from "./scenes.ts";

let browser: Browser;
let red: SentPicture;
let scene: SentPicture[];

beforeAll(async () => {
	[browser, red, scene] = await Promise.all([launch(), plain("#f00"), swingingArm(210)]);
}, 60_000);
afterAll(() => browser?.close());

test("the details plot the last two minutes and give a report as text", async () => {
	await using visit = await Visit.of(browser, ["bench"], { width: 1440, height: 1200 });
	const { page } = visit;
	const scripts: string[] = [];
	page.on("request", (request) => scripts.push(new URL(request.url()).pathname));
	await visit.opened.context.grantPermissions(["clipboard-read", "clipboard-write"]);
	using _playing = visit.play(new Map([["bench", scene]]));
	await visit.go();
	await visit.reaches("bench", "state", "live");
	expect(scripts.filter((path) => /Details|Quality|Help|studio|Replay/.test(path))).toEqual([]);
	await page.keyboard.press("i");
	const points = (plot: string) =>
		page
			.locator(`[data-plot=${plot}] path`)
			.evaluateAll((all) => all.map((path) => (path.getAttribute("d") ?? "").split(/[ML]/).length - 1));
	await until(async () => (await points("fps"))[0]! >= 12, { what: "three seconds of plot" });
	const [first = 0, ...others] = await points("age");
	expect(others.slice(0, 4).every((count) => count === first)).toBe(true);
	expect(first).toBeGreaterThan(12);
	expect(await look(page, "plots-desktop")).toEqual([]);
	await page.getByRole("button", { name: "Copy report" }).click();
	await page.getByRole("button", { name: "Copied" }).waitFor();
	const report = await page.evaluate(() => navigator.clipboard.readText());
	for (const line of [
		/^Sightline report, \d{4}-\d\d-\d\dT/,
		/^Camera: Bench \(bench\)$/m,
		/^Source: 1280 x 720 at 30 fps$/m,
		/^State: live$/m,
		/^Age: \d+\.\d ms$/m,
		/^Uplink: \d+\.\d ms$/m,
		/^Frames per second: \d+\.\d$/m,
		/^Age, ms: median \d+\.\d, 95th \d+\.\d, from \d+\.\d to \d+\.\d$/m,
		/^Lines: median 720\.0/m,
	])
		expect(report).toMatch(line);
	expect(visit.problems).toEqual([]);
}, 30_000);

test("the tab's title says the camera and its state, and a camera that is back is told quietly", async () => {
	await using visit = await Visit.of(browser, ["bench", "door"]);
	const { page, relay } = visit;
	await visit.go();
	expect(await page.title()).toBe("Sightline");
	await page.keyboard.press("2");
	await relay.heard(() => relay.watched?.[0]?.id === "door", "the door alone");
	await visit.show("door", red);
	await until(async () => (await page.title()) === "Door · Sightline", { what: "its name" });
	const tell = (more: Parameters<typeof cameraStatus>[2]) => {
		relay.cameras = [cameraStatus("bench", 1), cameraStatus("door", 2, more)];
		relay.tell();
	};
	tell({ state: "offline", reason: "agent-gone", since: relay.now() - 125_000 });
	await until(async () => (await page.title()) === "Door (offline) · Sightline", { what: "its state" });
	tell({});
	await visit.show("door", red);
	await page.locator("[data-pill=message]", { hasText: "Door is back after 2 min." }).waitFor();
	expect(await look(page, "back-desktop")).toEqual([]);
	expect(visit.problems).toEqual([]);
});

test("a page whose Worker does not load does without it", async () => {
	await using visit = await Visit.of(browser, ["bench"]);
	const { page } = visit;
	await page.route("**/assets/worker-*.js", (route) => route.abort());
	await visit.go();
	await visit.show("bench", red);
	expect(await page.locator("main").getAttribute("data-path")).toBe("page");
	await page.keyboard.press("Space");
	await page.locator("[data-replay=held]").waitFor(); // the studio works there too
	expect(visit.problems.filter((problem) => !problem.includes("ERR_FAILED"))).toEqual([]);
});

test("a page whose script does not load says so instead of nothing", async () => {
	await using visit = await Visit.of(browser, ["bench"]);
	const { page, relay } = visit;
	await page.route("**/assets/index-*.js", (route) => route.abort());
	await page.goto(relay.url);
	await page.getByText("Sightline does not start here").waitFor();
	const isSeen = () => page.locator("#starting").evaluate((one) => getComputedStyle(one).opacity === "1");
	expect(await isSeen()).toBe(false); // not while it may still come
	await until(isSeen, { what: "the words", timeoutMs: 12_000 });
	expect(await look(page, "not-starting-desktop")).toEqual([]);
});

test("a page that waits for the relay to take its link says that it is connecting", async () => {
	await using visit = await Visit.of(browser, ["bench"]);
	const { page, relay } = visit;
	const answer = Promise.withResolvers<void>();
	await page.route("**/api/session", async (route) => {
		await answer.promise;
		await route.fulfill({ status: 204 });
	});
	await page.goto(`${relay.url}${TOKEN_FRAGMENT}token`);
	await page.locator("#starting", { hasText: "Connecting" }).waitFor();
	expect(await page.locator("#starting").textContent()).not.toContain("does not start");
	answer.resolve();
	await page.locator("article[data-camera=bench]").waitFor();
	expect(await page.locator("#starting").count()).toBe(0);
	expect(visit.problems).toEqual([]);
});

test("the first load stays under 60 kB", async () => {
	await using visit = await Visit.of(browser, ["bench"]);
	const bodies: Promise<Buffer>[] = [];
	visit.page.on("response", (response) => {
		if (/\.(js|css)$|\/$/.test(new URL(response.url()).pathname)) bodies.push(response.body());
	});
	await visit.go();
	await visit.show("bench", red);
	const sizes = (await Promise.all(bodies)).map((body) => Bun.gzipSync(new Uint8Array(body)).length);
	expect(sizes.length).toBeGreaterThanOrEqual(4); // page, styles, script, Worker
	expect(sizes.reduce((a, b) => a + b, 0)).toBeLessThan(60_000);
});

test("the screen stays on while a picture is live and the page is secure", async () => {
	await using visit = await Visit.of(browser, ["bench"]);
	const { page, relay } = visit;
	await page.addInitScript(() => {
		const locks: string[] = [];
		Object.assign(globalThis, { locks });
		navigator.wakeLock.request = async (kind) => {
			locks.push(`take ${kind}`);
			return { release: async () => void locks.push("release") } as unknown as WakeLockSentinel;
		};
	});
	const locks = () => page.evaluate("locks.join()");
	await visit.go();
	expect(await locks()).toBe("");
	await visit.show("bench", red);
	await until(async () => (await locks()) === "take screen", { what: "a lock" });
	relay.cameras = [cameraStatus("bench", 1, { state: "offline", reason: "ended" })];
	relay.tell();
	await until(async () => (await locks()) === "take screen,release", { what: "no lock" });
	expect(visit.problems).toEqual([]);
});

test("a part that does not load is told, and the picture goes on", async () => {
	await using visit = await Visit.of(browser, ["bench"]);
	const { page } = visit;
	await visit.go();
	await visit.show("bench", red);
	const parts = /assets\/(studio|Details|Help)-.*\.js/;
	await page.context().route(parts, (route) => route.abort());
	await page.keyboard.press("i");
	await page.locator("[data-pill=missing]").waitFor();
	await page.keyboard.press("i");
	await page.locator("[data-pill=missing]").waitFor({ state: "detached" });
	await page.keyboard.press("r");
	await page.locator("[data-pill=message]", { hasText: "The recording failed" }).waitFor();
	await page.keyboard.press("l");
	await page.locator("[data-pill=message]", { hasText: /^A part of this page did not load/ }).waitFor();
	await page.locator("[data-replay]").waitFor({ state: "detached" });
	await page.keyboard.press("?");
	await page.locator("[data-pill=missing]").waitFor();
	await page.keyboard.press("?");
	await visit.show("bench", red);
	expect(visit.problems.filter((problem) => !problem.includes("ERR_FAILED"))).toEqual([]);
});
