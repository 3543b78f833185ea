import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { setVisibility } from "../support/page-conditions.ts";
import { until } from "../support/until.ts";
import type { SentPicture } from "./fake-relay.ts";
import { Film } from "./film.ts";
import { asksFor, clockOf, damaged, filmVisit, saysOfCodec, shows, workOnThePage } from "./film-visit.ts";
import { launch } from "./page.ts";
import { plain } from "./scenes.ts";

let browser: Browser;
let red: SentPicture;
beforeAll(async () => {
	[browser, red] = await Promise.all([launch(), plain("#f00")]);
}, 60_000);
afterAll(() => browser?.close());

describe("H.264 on a page that decodes it", () => {
	test("is asked for, and each frame is drawn before the next one is sent", async () => {
		await using visit = await filmVisit(browser);
		using film = new Film(204);
		await visit.go();
		await asksFor(visit, "jpeg", "h264");
		for (const frame of await film.take(40)) {
			visit.relay.send("bench", frame);
			await shows(visit, frame);
		}
		await visit.reaches("bench", "pictures-open", "0");
		expect(await visit.data("bench", "rendition")).toBe("204");
		expect(visit.relay.acks).toHaveLength(40);
		expect(visit.relay.keys).toEqual([]);
		await visit.page.keyboard.press("i");
		await saysOfCodec(visit, /^H\.264$/);
		const decoding = await visit.page.locator('[data-stat="decode"]').textContent();
		expect(Number.parseFloat(decoding ?? "")).toBeGreaterThan(0);
		expect(visit.problems).toEqual([]);
	});

	test("a missing frame: nothing wrong is drawn, a key is asked for once, and there it goes on", async () => {
		await using visit = await filmVisit(browser);
		using film = new Film(204);
		await visit.go();
		const [first, second, , ...after] = await film.take(12);
		await visit.show("bench", first!);
		await visit.show("bench", second!);
		for (const frame of after) visit.relay.send("bench", frame);
		await visit.reaches("bench", "undecodable", String(after.length));
		expect(await clockOf(visit)).toBe(second!.clock);
		expect(visit.relay.keys).toEqual(["bench"]);
		const key = await film.next("key");
		await visit.show("bench", key);
		await shows(visit, key);
		await visit.show("bench", await film.next());
		expect(visit.relay.keys).toEqual(["bench"]);
		expect(visit.problems).toEqual([]);
	});

	test("a frame of a page that joins in the middle is not tried", async () => {
		await using visit = await filmVisit(browser);
		using film = new Film(204);
		await visit.go();
		const [, delta] = await film.take(2);
		visit.relay.send("bench", delta!);
		await visit.relay.heard(() => visit.relay.keys.length === 1, "a key asked for");
		expect(await visit.data("bench", "frames")).toBe("0");
		await visit.show("bench", await film.next("key"));
	});

	test("another rung, and a new epoch: no frame is left out and none comes out of order", async () => {
		await using visit = await filmVisit(browser);
		using small = new Film(202);
		using large = new Film(204, { first: 10 });
		using anew = new Film(204, { first: 20, epoch: 2 });
		await visit.go();
		for (const film of [small, large, anew])
			for (const frame of await film.take(10)) {
				visit.relay.send("bench", frame);
				await shows(visit, frame);
			}
		const burst = [...(await anew.take(3)), await small.next("key"), ...(await small.take(3))];
		for (const frame of burst) visit.relay.send("bench", { ...frame, header: { ...frame.header, epoch: 2 } });
		await shows(visit, burst.at(-1)!);
		await visit.reaches("bench", "rendition", "202");
		expect([visit.relay.keys.length, await visit.data("bench", "undecodable")]).toEqual([0, "0"]);
		expect(visit.problems).toEqual([]);
	}, 30_000);

	test("JPEG comes first and again, on the same canvas", async () => {
		await using visit = await filmVisit(browser);
		using film = new Film(204);
		await visit.go();
		await visit.show("bench", red);
		await visit.show("bench", await film.next());
		await visit.show("bench", await film.next());
		await visit.show("bench", red);
		await until(async () => (await visit.middle("bench"))[0]! > 200, { what: "the JPEG" });
		const delta = await film.next();
		visit.relay.send("bench", delta); // its decoder is gone
		await visit.relay.heard(() => visit.relay.keys.length === 1, "a key asked for");
		const key = await film.next("key");
		await visit.show("bench", key);
		await shows(visit, key);
		expect(visit.problems).toEqual([]);
	});

	test("a hidden tab asks for nothing and joins again at a key", async () => {
		await using visit = await filmVisit(browser);
		using film = new Film(204);
		await visit.go();
		await visit.show("bench", await film.next());
		await setVisibility(visit.page, "hidden");
		await visit.relay.heard(() => visit.relay.watched?.length === 0, "an empty list");
		await setVisibility(visit.page, "visible");
		await visit.relay.heard(() => visit.relay.watched?.length === 1, "the full list");
		await film.take(3);
		const key = await film.next("key");
		await visit.show("bench", key);
		await shows(visit, key);
		expect(visit.relay.keys).toEqual([]);
		expect(visit.problems).toEqual([]);
	}, 30_000);
});

test("every picture a decoder gave is closed, also after gaps, switches, errors and a hidden tab", async () => {
	await using visit = await filmVisit(browser);
	await workOnThePage(visit);
	await visit.page.addInitScript(() => {
		const counts = { given: 0, closed: 0, decoders: 0 };
		Object.assign(globalThis, { counts });
		const RealDecoder = VideoDecoder;
		const close = VideoFrame.prototype.close;
		VideoFrame.prototype.close = function () {
			if (this.format !== null) counts.closed++; // null: it was closed before
			close.call(this);
		};
		globalThis.VideoDecoder = class extends RealDecoder {
			constructor({ output, error }: VideoDecoderInit) {
				const end = () => {
					counts.decoders--;
				};
				super({
					output: (frame) => {
						counts.given++;
						output(frame);
					},
					error: (cause) => {
						end();
						error(cause);
					},
				});
				counts.decoders++;
				const closeDecoder = this.close.bind(this);
				this.close = () => {
					end();
					closeDecoder();
				};
			}
		};
	});
	using film = new Film(204);
	using other = new Film(202, { first: 100 });
	await visit.go();
	const send = async (film: Film, count: number) => {
		for (const frame of await film.take(count)) visit.relay.send("bench", frame);
	};
	await send(film, 20);
	await film.next();
	await send(film, 5); // after a gap
	visit.relay.send("bench", await film.next("key"));
	await send(film, 5);
	await send(other, 20); // another rung
	visit.relay.send("bench", damaged(await other.next("key")));
	await visit.reaches("bench", "undecodable", "6"); // and the five after the gap
	const key = await other.next("key");
	visit.relay.send("bench", key);
	await shows(visit, key);
	await setVisibility(visit.page, "hidden");
	await visit.relay.heard(() => visit.relay.watched?.length === 0, "an empty list");
	await setVisibility(visit.page, "visible");
	const counts = () =>
		visit.page.evaluate(
			() => (globalThis as unknown as { counts: Record<"given" | "closed" | "decoders", number> }).counts,
		);
	await until(async () => (await counts()).given > 40 && (await counts()).given === (await counts()).closed, {
		what: "all to be closed",
	});
	expect((await counts()).decoders).toBe(0);
	expect(visit.problems).toEqual([]);
}, 30_000);
