import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { CLOSE } from "#shared/close.ts";
import { until } from "../support/until.ts";
import type { SentPicture } from "./fake-relay.ts";
import { launch, Visit } from "./page.ts";
import { plain } from "./scenes.ts";

let browser: Browser;
let picture: SentPicture;
beforeAll(async () => {
	[browser, picture] = await Promise.all([launch(), plain("teal", 320, 180)]);
}, 60_000);
afterAll(() => browser?.close());

const online = (visit: Visit) => visit.page.evaluate(() => dispatchEvent(new Event("online")));
const shownAt = async (visit: Visit) => Number(await visit.data("bench", "capture-time"));
const at = (captureTime: number, epoch = 7): SentPicture => ({ ...picture, header: { captureTime, epoch } });

describe("when the network changes", () => {
	test("the new connection is there before the old one goes, and nothing older is ever shown", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		const { relay } = visit;
		await visit.go();
		const start = relay.now() - 1_000;
		await visit.show("bench", at(start));
		await visit.opened.context.setOffline(true);
		await visit.opened.context.setOffline(false);
		await relay.heard(() => relay.hellos === 2 && relay.watches.length >= 2, "a second connection");
		expect(relay.connections).toBe(2);

		relay.send("bench", at(start + 100), "oldest"); // it still serves
		await until(async () => (await shownAt(visit)) === start + 100, { what: "the old one's picture" });
		expect(relay.connections).toBe(2);

		relay.send("bench", at(start + 50), "newest"); // from the cache: proves the way, is not shown
		await relay.heard(() => relay.connections === 1, "the old one to be closed");
		expect(relay.send("bench", at(start + 200))).toBe(1);
		await until(async () => (await shownAt(visit)) === start + 200, { what: "the new one's picture" });
		expect(Number(await visit.data("bench", "frames"))).toBe(3);
		expect(relay.hellos).toBe(2);
		expect(visit.problems).toEqual([]);
	}, 30_000);

	test("a new connection that fails leaves the old one serving", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		const { relay } = visit;
		await visit.go();
		relay.isRefusing = true;
		await online(visit);
		await relay.heard(() => relay.refusals === 1, "the dial");
		await visit.show("bench", picture);
		expect([relay.connections, relay.hellos]).toEqual([1, 1]);
		expect(await visit.page.locator("main").getAttribute("data-link")).toBe("live");
		relay.isRefusing = false;
		await until(
			async () => {
				await online(visit); // once the page knows that the first one failed
				return relay.hellos === 2;
			},
			{ what: "the next change to be followed", intervalMs: 100 },
		);
	});

	test("a camera that stands still does not keep two connections", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		await visit.go();
		await online(visit);
		await visit.relay.heard(() => visit.relay.hellos === 2, "a second connection");
		await visit.relay.heard(() => visit.relay.connections === 1, "the old one to be closed");
		await visit.show("bench", picture);
	});

	test("a relay that restarts in the middle of it is found again, with whatever epochs it counts", async () => {
		await using visit = await Visit.of(browser, ["bench"]);
		const { relay } = visit;
		await visit.go();
		const start = relay.now() - 1_000;
		await visit.show("bench", at(start, 900));
		relay.isHesitating = true;
		await online(visit);
		await relay.heard(() => relay.hellos === 2, "a second hello");
		relay.close("oldest", CLOSE.restarting);
		await visit.page.locator("main[data-link=connecting]").waitFor();
		relay.welcome();
		await visit.page.locator("main[data-link=live]").waitFor();
		await relay.heard(() => relay.watches.length >= 2, "the list again");
		relay.send("bench", at(start + 300, 2));
		await until(async () => (await shownAt(visit)) === start + 300, { what: "the new relay's picture" });
		expect([relay.connections, relay.hellos]).toEqual([1, 2]);
	});
});

test("back from sleep, a connection that says nothing is replaced", async () => {
	await using visit = await Visit.of(browser, ["bench"]);
	const { relay } = visit;
	await visit.go();
	await visit.show("bench", picture);
	relay.mute();
	await visit.page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
	await relay.heard(() => relay.hellos === 2, "another connection");
	await relay.heard(() => relay.connections === 1, "the silent one to be closed");
	await visit.show("bench", picture);
	expect(visit.problems).toEqual([]);
});
