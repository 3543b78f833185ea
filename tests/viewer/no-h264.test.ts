import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { LAN_HOST } from "../support/chromium.ts";
import type { SentPicture } from "./fake-relay.ts";
import { Film } from "./film.ts";
import { asksFor, damaged, filmVisit, saysOfCodec, workOnThePage } from "./film-visit.ts";
import { launch, Visit } from "./page.ts";
import { plain } from "./scenes.ts";

let browser: Browser;
let red: SentPicture;
beforeAll(async () => {
	[browser, red] = await Promise.all([launch(), plain("#f00")]);
}, 60_000);
afterAll(() => browser?.close());

describe("where H.264 does not work the page asks for JPEG, says why and goes on", () => {
	test("on an http:// page of the local network", async () => {
		await using visit = await filmVisit(browser);
		await visit.page.goto(`http://${LAN_HOST}:${visit.relay.port}/`);
		await asksFor(visit, "jpeg");
		await visit.show("bench", red);
		await visit.page.keyboard.press("i");
		await saysOfCodec(visit, /^JPEG: open https:\/\/ or localhost to get H\.264$/);
		await visit.page.keyboard.press("q");
		const group = visit.page.locator("[data-panel=quality] legend", { hasText: "H.264" });
		expect(await group.textContent()).toContain("open https:// or localhost to get H.264");
		expect(await visit.page.locator('input[value="204"]').isDisabled()).toBe(true);
		expect(await visit.page.locator('input[value="6"]').isDisabled()).toBe(false);
		expect(visit.problems).toEqual([]);
	});

	test("when the decoder fails twice: one more try at the next key, then no more", async () => {
		await using visit = await filmVisit(browser);
		using film = new Film(204);
		await visit.go();
		await visit.show("bench", await film.next());
		visit.relay.send("bench", damaged(await film.next("key")));
		await visit.relay.heard(() => visit.relay.keys.length === 1, "a key asked for");
		await visit.show("bench", await film.next("key"));
		expect(visit.relay.watches.at(-1)?.codecs).toEqual(["jpeg", "h264"]);
		visit.relay.send("bench", damaged(await film.next("key")));
		await asksFor(visit, "jpeg");
		const frames = await visit.data("bench", "frames");
		visit.relay.send("bench", await film.next("key")); // was on its way
		await visit.show("bench", red);
		expect(await visit.data("bench", "frames")).toBe(String(Number(frames) + 1));
		await visit.page.keyboard.press("i");
		await saysOfCodec(visit, /^JPEG: this browser's H.264 decoder failed \(.+\)$/);
		expect(visit.problems).toEqual([]);
	});

	test("one camera's bad stream costs that camera its H.264; a second one's the page", async () => {
		await using visit = await Visit.of(browser, ["bench", "roof", "yard"]);
		const { relay } = visit;
		await visit.page.addInitScript(() => localStorage.setItem("sightline.rendition.roof", "204"));
		await visit.go();
		const asked = (id: string) => relay.watched?.find((camera) => camera.id === id);
		await relay.heard(() => relay.watched?.length === 3, "three cameras");
		expect(asked("roof")).toMatchObject({ rendition: 204, codecs: null });
		const spoil = async (id: string) => {
			using film = new Film(204);
			const keys = relay.keys.length;
			relay.send(id, damaged(await film.next("key")));
			await relay.heard(() => relay.keys.length > keys, "a key asked for");
			relay.send(id, damaged(await film.next("key")));
		};
		await spoil("roof");
		await relay.heard(() => asked("roof")?.codecs?.join() === "jpeg", "JPEG of one camera");
		expect(asked("roof")?.rendition).toBeNull();
		expect(relay.watches.at(-1)?.codecs).toEqual(["jpeg", "h264"]);
		expect(["bench", "yard"].map((id) => asked(id)?.codecs)).toEqual([null, null]);
		using film = new Film(204);
		await visit.show("bench", await film.next());
		await visit.show("roof", red);
		await visit.page.locator("article[data-camera=roof]").dblclick();
		await visit.page.keyboard.press("i");
		await saysOfCodec(visit, /^JPEG: this browser's H.264 decoder failed/);
		await visit.page.keyboard.press("i");
		await visit.page.keyboard.press("Escape");
		await relay.heard(() => relay.watched?.length === 3, "the grid again");
		await spoil("yard");
		await asksFor(visit, "jpeg");
		expect(visit.problems).toEqual([]);
	});

	test("when the decoder takes frames for 2 s and shows none", async () => {
		await using visit = await filmVisit(browser);
		await workOnThePage(visit);
		await visit.page.addInitScript(() => {
			globalThis.VideoDecoder = class extends VideoDecoder {
				override decode(): void {}
			};
		});
		using film = new Film(204);
		await visit.go();
		await asksFor(visit, "jpeg", "h264");
		visit.relay.send("bench", await film.next());
		await asksFor(visit, "jpeg");
		await visit.show("bench", red);
		await visit.page.keyboard.press("i");
		await saysOfCodec(visit, /gave no picture$/);
	});

	test.each([
		["has no decoder", /^JPEG: this browser has no video decoder$/],
		["has one without H.264", /^JPEG: this browser does not decode H\.264 \(avc1\.64001f\)$/],
	])("when the browser %s", async (what, words) => {
		await using visit = await filmVisit(browser);
		await workOnThePage(visit);
		await visit.page.addInitScript((isMissing) => {
			if (isMissing) Reflect.deleteProperty(globalThis, "VideoDecoder");
			else VideoDecoder.isConfigSupported = async (config) => ({ supported: false, config });
		}, what === "has no decoder");
		await visit.go();
		await asksFor(visit, "jpeg");
		await visit.show("bench", red);
		await visit.page.keyboard.press("i");
		await saysOfCodec(visit, words);
		expect(visit.problems).toEqual([]);
	});
});

describe("the menu", () => {
	test("names both ladders and pins a rung of either", async () => {
		await using visit = await filmVisit(browser);
		await visit.go();
		await visit.show("bench", red);
		await visit.page.keyboard.press("q");
		const legends = await visit.page.locator("[data-panel=quality] legend").allTextContents();
		expect(legends.slice(-2).map((legend) => legend.trim())).toEqual(["H.264", "JPEG"]);
		for (const [name, id] of [
			["720p H.264 3 Mbit/s", 204],
			["180p q40", 0],
		] as const) {
			await visit.page.getByRole("radio", { name }).click();
			await visit.relay.heard(() => visit.relay.watched?.[0]?.rendition === id, name);
		}
		expect(visit.relay.watches.at(-1)?.codecs).toEqual(["jpeg", "h264"]);
		expect(visit.problems).toEqual([]);
	});

	test("a pin to H.264 from a better day is left to the relay where it cannot be shown", async () => {
		await using visit = await filmVisit(browser);
		await visit.page.addInitScript(() => localStorage.setItem("sightline.rendition.bench", "204"));
		await visit.page.goto(`http://${LAN_HOST}:${visit.relay.port}/`);
		await asksFor(visit, "jpeg");
		expect(visit.relay.watches.map(({ cameras }) => cameras[0]?.rendition ?? null)).toEqual(
			visit.relay.watches.map(() => null),
		);
	});
});
