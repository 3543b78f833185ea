import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser, Page } from "playwright-core";
import { until } from "../support/until.ts";
import type { SentPicture } from "./fake-relay.ts";
import { look } from "./looks.ts";
import { launch, Visit } from "./page.ts";
import { plain, swingingArm } from "./scenes.ts";

const IDS = ["bench", "door", "arm", "roof", "gate", "yard", "dock", "hall", "loft"];
let browser: Browser;
let red: SentPicture;
let scenes: SentPicture[][];

beforeAll(async () => {
	[browser, red, ...scenes] = await Promise.all([
		launch(),
		plain("#f00"),
		...[210, 30, 130].map(swingingArm),
	]);
}, 60_000);
afterAll(() => browser?.close());

const order = (page: Page) =>
	page
		.locator("article")
		.evaluateAll((all) => all.map((one) => (one as HTMLElement).dataset.camera).join(" "));
const ordered = (page: Page, ids: string) =>
	until(async () => (await order(page)) === ids, { what: `the order ${ids}` });

describe("an order of one's own", () => {
	test("by drag and by keys; pictures go on, nothing opens, it is remembered", async () => {
		await using visit = await Visit.of(browser, ["bench", "door", "arm"], { width: 1200, height: 500 });
		const { page, relay } = visit;
		await visit.go();
		for (const id of ["bench", "door", "arm"]) await visit.show(id, red);
		const middle = async (id: string) => {
			const box = (await page.locator(`[data-camera=${id}]`).boundingBox())!;
			return [box.x + box.width / 2, box.y + box.height / 2] as const;
		};
		await page.mouse.move(...(await middle("bench")));
		await page.mouse.down();
		await page.mouse.move(...(await middle("arm")), { steps: 8 });
		await page.mouse.up();
		await ordered(page, "door arm bench");
		expect(new URL(page.url()).search).toBe("");
		await visit.show("bench", red); // its canvas moved with it
		await page.keyboard.press("ArrowLeft");
		await page.keyboard.press("Shift+ArrowRight");
		await ordered(page, "arm door bench");
		await page.keyboard.press("Shift+ArrowRight");
		await ordered(page, "arm bench door");
		await page.keyboard.press("1");
		await relay.heard(() => relay.watched?.[0]?.id === "arm", "the first of the new order");
		expect(relay.hellos).toBe(1);
		await visit.go();
		await ordered(page, "arm bench door");
		expect(visit.problems).toEqual([]);
	});

	test("by a long press; a finger that moves at once scrolls", async () => {
		await using visit = await Visit.of(browser, ["bench", "door", "arm"], {
			width: 390,
			height: 844,
			hasTouch: true,
		});
		const { page } = visit;
		await visit.go();
		const session = await page.context().newCDPSession(page);
		const touch = (type: "touchStart" | "touchMove" | "touchEnd", y: number) =>
			session.send("Input.dispatchTouchEvent", {
				type,
				touchPoints: type === "touchEnd" ? [] : [{ x: 195, y }],
			});
		const box = (await page.locator("[data-camera=bench]").boundingBox())!;
		const y = box.y + box.height / 2;
		await touch("touchStart", y);
		await touch("touchMove", y + box.height);
		await touch("touchEnd", 0);
		expect(await order(page)).toBe("bench door arm");
		await touch("touchStart", y);
		await page.locator(".dragged").waitFor();
		for (let step = 1; step <= 4; step++) await touch("touchMove", y + (box.height * step) / 4);
		await touch("touchEnd", 0);
		await ordered(page, "door bench arm");
		expect(visit.problems).toEqual([]);
	});
});

test.each([
	["desktop", { width: 1280, height: 800 }],
	["4k", { width: 3840, height: 2160 }],
	["320", { width: 320, height: 640, hasTouch: true }],
	["landscape", { width: 844, height: 390, hasTouch: true }],
])(
	"nine cameras on %s come over one connection, each no larger than its tile",
	async (name, view) => {
		await using visit = await Visit.of(browser, IDS, { reducedMotion: "reduce", ...view });
		const { page, relay } = visit;
		let sockets = 0;
		page.on("websocket", () => sockets++);
		using _playing = visit.play(new Map(IDS.map((id, i) => [id, scenes[i % 3]!])));
		await visit.go();
		const seen = () => relay.watched ?? [];
		await relay.heard(() => seen().length > 0 && seen().every(({ maxLines }) => maxLines !== null), "sizes");
		for (const { id, maxLines } of seen()) {
			const box = (await page.locator(`[data-camera=${id}]`).boundingBox())!;
			expect(Math.abs(maxLines! - box.height)).toBeLessThan(box.height * 0.06);
			await visit.reaches(id, "state", "live");
		}
		expect(seen().length === 9).toBe(name !== "320"); // which has to scroll
		expect(await look(page, `nine-${name}`)).toEqual([]);
		await page.getByRole("button", { name: "Open Bench" }).click();
		await relay.heard(() => seen().length === 1, "one camera alone");
		await visit.reaches(seen()[0]!.id, "state", "live");
		expect(await look(page, `one-${name}`)).toEqual([]);
		expect([sockets, relay.pageLoads, relay.hellos]).toEqual([1, 1, 1]);
		expect(visit.problems).toEqual([]);
	},
	60_000,
);
