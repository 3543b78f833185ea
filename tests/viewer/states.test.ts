import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import type { CameraStatus, Choice } from "#shared/protocol.ts";
import type { View } from "../support/chromium.ts";
import { cameraStatus, type SentPicture } from "./fake-relay.ts";
import { look } from "./looks.ts";
import { launch, Visit } from "./page.ts";
import { swingingArm } from "./scenes.ts";

const IDS = ["bench", "door", "arm", "roof"];
let browser: Browser;
let scenes: SentPicture[][];

beforeAll(async () => {
	[browser, ...scenes] = await Promise.all([launch(), ...[210, 30, 130, 280].map(swingingArm)]);
}, 60_000);
afterAll(() => browser?.close());

const VIEWS: [string, View][] = [
	["desktop", { width: 1280, height: 800 }],
	["phone", { width: 390, height: 844, hasTouch: true, deviceScaleFactor: 2 }],
];

/** Every state the page can be in, with its words; a picture of each is left in tests/out. */
describe.each(VIEWS)("on %s", (name, view) => {
	test("each state says what it is", async () => {
		await using visit = await Visit.of(browser, [], { reducedMotion: "reduce", ...view });
		const { page, relay } = visit;
		const live = new Map(IDS.map((id, i) => [id, scenes[i]!]));
		using _playing = visit.play(live);
		const picture = async (state: string) => {
			expect(await look(page, `${state}-${name}`)).toEqual([]);
		};
		const tell = (...changes: Partial<CameraStatus>[]) => {
			relay.cameras = IDS.map((id, i) => cameraStatus(id, i + 1, changes[i]));
			relay.tell();
		};
		const words = (camera: string) => page.locator(`[data-camera="${camera}"] [data-notice]`).textContent();

		await page.goto(relay.url);
		await page.locator('[data-scene="no-cameras"] code').waitFor();
		expect(await page.locator("code").textContent()).toContain("CAMERA=webcam: bun run agent");
		await picture("no-cameras");

		tell();
		for (const id of IDS) await visit.reaches(id, "state", "live");
		await picture("grid");

		await page.getByRole("button", { name: "Open Door" }).click();
		await visit.reaches("door", "state", "live");
		await picture("live");
		const button = page.locator("[data-control=quality]");
		const chosen = async (choice: Pick<Choice, "rendition" | "limit" | "change">) => {
			relay.choose([{ id: "door", ...choice }], 8_240_000);
			await visit.reaches("door", "limit", choice.limit);
		};
		await chosen({ rendition: 5, limit: "none", change: "joined" });
		await chosen({ rendition: 5, limit: "uplink", change: "uplink" });
		await button.hover();
		await picture("limited");
		await chosen({ rendition: 3, limit: "network", change: "network" });
		await button.click();
		await page.getByRole("radio", { name: "Automatic" }).waitFor();
		await picture("quality");
		await page.getByRole("radio", { name: "360p q60" }).click();
		await chosen({ rendition: 3, limit: "choice", change: "choice" });
		await page.getByText("More", { exact: true }).click();
		await picture("quality-pinned");
		await page.keyboard.press("Escape"); // on a phone the sheet lies over the controls
		await page.getByRole("button", { name: "Details" }).click();
		await page.locator('[data-stat="age"]', { hasText: "ms" }).waitFor();
		await picture("details");
		await page.keyboard.press("i");
		await page.keyboard.press("?");
		await page.getByRole("dialog", { name: "Keys" }).waitFor();
		await picture("help");
		await page.keyboard.press("Escape");

		live.delete("door");
		await page.locator('[data-camera="door"] .badge', { hasText: /frozen [1-9]/ }).waitFor();
		await picture("frozen");

		tell(
			{},
			{ state: "offline", reason: "agent-gone", since: relay.now() - 1_000 },
			{ state: "offline", reason: "no-device", detail: "/dev/video0 is not there. Looking every 2 s." },
			{ state: "connecting", reason: "opening", since: relay.now() - 3_000 },
		);
		await visit.reaches("door", "state", "offline");
		expect(await words("door")).toContain("The camera's computer is not connected");
		expect(await words("door")).toMatch(/Since .+ · last picture /);
		await picture("offline");

		live.delete("roof");
		await page.keyboard.press("g");
		await visit.reaches("roof", "state", "connecting");
		expect(await words("arm")).toContain("/dev/video0 is not there.");
		await visit.reaches("bench", "state", "live");
		await picture("grid-trouble");

		await relay.stop();
		await page.locator('[data-notice="link"]').waitFor();
		await visit.reaches("bench", "state", "frozen");
		await picture("unreachable");
		expect(visit.problems).toEqual([]);
	}, 60_000);
});

test("a page of a camera that does not exist says so and waits for it", async () => {
	await using visit = await Visit.of(browser, ["bench"]);
	await visit.page.goto(`${visit.relay.url}?camera=garage`);
	await visit.page.locator('[data-scene="unknown-camera"]').waitFor();
	visit.relay.cameras = [...visit.relay.cameras, cameraStatus("garage", 2)];
	visit.relay.tell();
	await visit.relay.heard(() => visit.relay.watched?.[0]?.id === "garage", "the new camera");
	await visit.reaches("garage", "state", "opening");
});

test("a page whose relay was never there says what it does", async () => {
	await using visit = await Visit.of(browser, ["bench"]);
	visit.relay.isRefusing = true;
	await visit.page.goto(visit.relay.url);
	await visit.page.locator('[data-scene="link"]', { hasText: "Relay unreachable" }).waitFor();
	expect(visit.problems).toEqual([]);
});
