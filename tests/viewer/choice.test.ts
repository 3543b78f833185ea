import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { CLOSE } from "#shared/close.ts";
import { until } from "../support/until.ts";
import type { SentPicture } from "./fake-relay.ts";
import { launch, Visit } from "./page.ts";
import { plain } from "./scenes.ts";

let browser: Browser;
let red: SentPicture;
let blue: SentPicture;
beforeAll(async () => {
	[browser, red, blue] = await Promise.all([launch(), plain("#f00"), plain("#00f")]);
}, 60_000);
afterAll(() => browser?.close());

const asks = (visit: Visit, rendition: number | null) =>
	visit.relay.heard(() => visit.relay.watched?.[0]?.rendition === rendition, `rendition ${rendition}`);
const says = (visit: Visit, where: string, words: string) =>
	until(
		async () => ((await visit.page.locator(where).textContent()) ?? "").replace(/\s+/g, " ").includes(words),
		{
			what: `${where} to say "${words}"`,
		},
	);

describe("the quality button says what is on screen and why", () => {
	test("for every limit the relay may tell", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		await visit.go();
		await visit.show("bench", { ...red, header: { rendition: 6 } });
		const button = visit.page.locator("[data-control=quality]");
		for (const [limit, words] of [
			["network", "Auto 720p · your network"],
			["uplink", "Auto 720p · the camera's uplink"],
			["window", "Auto 720p · window size"],
			["browser", "Auto 720p · this browser"],
			["choice", "Auto 720p · your choice"],
		] as const) {
			visit.relay.choose([{ id: "bench", rendition: 6, limit, change: "joined" }]);
			await says(visit, "[data-control=quality]", words);
			await visit.reaches("bench", "limit", limit);
		}
		visit.relay.choose([{ id: "bench", rendition: 6, limit: "none", change: "joined" }]);
		await visit.reaches("bench", "limit", "none");
		expect((await button.textContent())?.trim()).toBe("Auto 720p");
		expect(visit.problems).toEqual([]);
	});

	test("and the details say what changed last, when, and what the link carries", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		await visit.go();
		await visit.show("bench", red);
		await visit.page.keyboard.press("i");
		visit.relay.choose([{ id: "bench", rendition: 6, limit: "none", change: "joined" }]);
		await says(visit, "[data-stat=change]", "opened 0 s ago");
		visit.relay.choose([{ id: "bench", rendition: 2, limit: "network", change: "network" }], 4_200_000);
		await until(
			async () =>
				/^down \d+ s ago: your network$/.test(
					(await visit.page.locator("[data-stat=change]").textContent())!,
				),
			{ what: "the change" },
		);
		await says(visit, "[data-stat=limit]", "your network");
		await says(visit, "[data-stat=rate]", "4.2 Mbit/s");
		visit.relay.choose([{ id: "bench", rendition: 6, limit: "window", change: "uplink" }], 9_000_000);
		await says(visit, "[data-stat=change]", "up 0 s ago: the camera's uplink");
	});
});

describe("the menu", () => {
	test("pins with one click, without a reconnect, also after a reload; Automatic takes it back", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		await visit.go();
		await visit.show("bench", red);
		await visit.page.keyboard.press("q");
		await visit.page.getByRole("radio", { name: "180p q40" }).click();
		await asks(visit, 0);
		await visit.show("bench", blue);
		await visit.reaches("bench", "rendition", "0");
		await visit.page.locator('label[data-on-screen] input[value="0"]').waitFor();
		await says(visit, "[data-control=quality]", "180p q40");
		await visit.page.getByText("More", { exact: true }).click();
		await visit.page.getByRole("radio", { name: "720p q95" }).click();
		await asks(visit, 195);
		expect(visit.relay.hellos).toBe(1);
		await visit.go();
		await asks(visit, 195);
		await visit.page.keyboard.press("q");
		await visit.page.getByRole("radio", { name: "Automatic" }).click();
		await asks(visit, null);
		expect(visit.problems).toEqual([]);
	});

	test("offers smooth, balanced and sharp, which end a pin and are remembered", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		await visit.go();
		expect(visit.relay.watches.at(-1)?.mode).toBe("balanced");
		await visit.page.keyboard.press("q");
		for (const [name, mode] of [
			["Smooth", "smooth"],
			["Sharp", "sharp"],
		] as const) {
			await visit.page.locator('input[value="3"]').click();
			await asks(visit, 3);
			await visit.page.getByRole("radio", { name }).click();
			await asks(visit, null);
			expect(visit.relay.watches.at(-1)?.mode).toBe(mode);
		}
		await visit.go();
		expect(visit.relay.watches.at(-1)?.mode).toBe("sharp");
	});
});

test("what the network carried is said on the next connection and on the next visit", async () => {
	await using visit = await Visit.of(browser, ["bench"]);
	await visit.go();
	expect(visit.relay.watches.at(-1)?.rememberedBps).toBeNull();
	visit.relay.choose([{ id: "bench", rendition: 6, limit: "none", change: "joined" }], 12_345_678.9);
	await until(() => visit.page.evaluate(() => JSON.stringify(localStorage).includes("12345679")), {
		what: "it to be remembered",
	});
	const lists = visit.relay.watches.length;
	visit.relay.closeAll(CLOSE.restarting);
	await visit.relay.heard(() => visit.relay.watches.length > lists, "the page to be back");
	expect(visit.relay.watches.at(-1)?.rememberedBps).toBeCloseTo(12_345_679, -1);
	await visit.go();
	expect(visit.relay.watches.at(-1)?.rememberedBps).toBe(12_345_679);
});
