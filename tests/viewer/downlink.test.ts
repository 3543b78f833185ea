import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { CLOSE } from "#shared/close.ts";
import type { CameraStatus } from "#shared/protocol.ts";
import type { Frame } from "../../viewer/connection.ts";
import { Downlink, type Link, type Wish } from "../../viewer/downlink.ts";
import { until } from "../support/until.ts";
import { cameraStatus, FakeRelay, watchedCamera } from "./fake-relay.ts";
import { plain } from "./scenes.ts";

const WATCH: Wish = { mode: "balanced", codecs: ["jpeg"], cameras: [watchedCamera("bench")] };
let relay: FakeRelay;
let over: AbortController;
let links: Link[];
let frames: Frame[];
let cameras: CameraStatus[];
let downlink: Downlink;
let running: Promise<void>;

beforeEach(() => {
	relay = new FakeRelay();
	relay.cameras = [cameraStatus("bench", 1)];
	over = new AbortController();
	links = [];
	frames = [];
	downlink = new Downlink({
		link: (link) => links.push(link),
		cameras: (list) => {
			cameras = list;
		},
		choice: () => {},
		frame: (frame) => frames.push(frame),
	});
	running = downlink.run(`${relay.url.replace("http", "ws")}watch`, over.signal);
});
afterEach(async () => {
	over.abort();
	await running;
	await relay.stop();
});

const link = (is: Link["is"]) => until(() => links.findLast((one) => one.is === is), { what: `link ${is}` });
const watched = () => until(() => relay.watched, { what: "a watch list" });

describe("a connection", () => {
	test("acknowledges a frame with the two instants of its arrival, before anything else happens to it", async () => {
		downlink.watch(WATCH);
		await watched();
		relay.send("bench", await plain("teal", 64, 36));
		await until(() => relay.acks.length > 0, { what: "an ack" });
		expect(frames).toHaveLength(1);
		const [ack] = relay.acks;
		expect(ack?.delivery).toBe(0);
		expect(ack?.bodyTime).toBeGreaterThanOrEqual(ack?.headerTime ?? Number.NaN);
		expect(cameras.map(({ id }) => id)).toEqual(["bench"]);
	});

	test("learns the relay's clock within its first round trips", async () => {
		relay.clockAheadMs = 3_600_000;
		await until(() => downlink.clock?.isKnown, { what: "a pong" });
		await until(() => Math.abs((downlink.clock?.offsetMs ?? 0) - 3_600_000) < 20, { what: "the offset" });
	});

	test("says again what is watched when it is back", async () => {
		downlink.watch(WATCH);
		await watched();
		relay.closeAll(CLOSE.restarting);
		await until(() => relay.watches.length === 2, { what: "the list again" });
		expect(relay.watches.at(-1)).toEqual({ ...WATCH, rememberedBps: null });
	});

	test("says goodbye when it is ended", async () => {
		await link("live");
		over.abort();
		await running;
		await until(() => relay.connections === 0, { what: "the relay to see it" });
		expect(links.at(-1)?.is).toBe("live");
	});
});

describe("after its end", () => {
	test("a connection that must not be dialed again is not", async () => {
		await link("live");
		relay.closeAll(CLOSE.replaced, "newer");
		await running;
		expect(await link("closed")).toMatchObject({ ending: { code: CLOSE.replaced, reason: "newer" } });
		expect(relay.hellos).toBe(1);
	});

	test("a fault that a person has to mend is tried again later, with the words", async () => {
		await link("live");
		relay.protocol = 2;
		relay.closeAll(CLOSE.internalError);
		await until(() => links.some((one) => one.is === "waiting" && one.ending.code === CLOSE.version), {
			what: "the version to be refused",
		});
		const waiting = links.at(-1);
		if (waiting?.is !== "waiting") throw new Error(`link is ${waiting?.is}`);
		expect(waiting.ending.reason).toContain("needs an update");
		expect(waiting.until - waiting.since).toBeGreaterThan(5_000);
	});

	test("waking up ends the wait", async () => {
		await link("live");
		relay.protocol = 2;
		relay.closeAll(CLOSE.internalError);
		await until(() => relay.hellos === 2 && links.at(-1)?.is === "waiting", { what: "the refusal" });
		relay.protocol = 1;
		downlink.wake();
		await until(() => links.at(-1)?.is === "live", { what: "a connection without the ten seconds" });
	});
});

describe("a relay that breaks the protocol", () => {
	test.each([
		["a text nobody knows", (relay: FakeRelay) => relay.sayRaw('{"type":"applause"}'), "applause"],
		["a binary nobody knows", (relay: FakeRelay) => relay.sayRaw(new Uint8Array([99])), "type 99"],
		["an ack", (relay: FakeRelay) => relay.sayRaw(new Uint8Array([2])), "ack"],
	])("%s closes with the name of what was wrong", async (_, misbehave, words) => {
		await link("live");
		misbehave(relay);
		const waiting = await link("waiting");
		expect(waiting).toMatchObject({ ending: { code: CLOSE.badMessage } });
		expect(JSON.stringify(waiting)).toContain(words);
	});

	test("a body of another size than its header said", async () => {
		downlink.watch(WATCH);
		await watched();
		const picture = await plain("teal", 64, 36);
		relay.send("bench", { ...picture, header: { bodyBytes: picture.body.length + 1 } });
		expect(await link("waiting")).toMatchObject({ ending: { code: CLOSE.badMessage } });
		expect(frames).toHaveLength(0);
	});
});
