import { afterAll, beforeAll, expect, test } from "bun:test";
import { qualityId } from "#shared/ladder.ts";
import { type Running, startRelay } from "../support/processes.ts";
import { SlowLink } from "../support/slow-link.ts";
import { until } from "../support/until.ts";
import { smallJpeg, WireAgent } from "../support/wire-agent.ts";

let relay: Running & { url: string };
let agent: WireAgent;
let jpeg: Buffer;
beforeAll(async () => {
	[relay, jpeg] = await Promise.all([startRelay(), smallJpeg()]);
	agent = await new WireAgent(relay.url, "first").publish();
});
afterAll(async () => {
	agent.close();
	await relay[Symbol.asyncDispose]();
});

/** As ReRo-CCTV's page does it: a bare WebSocket, every message an image. */
class ReroPage {
	readonly socket: WebSocket;
	readonly images: ArrayBuffer[] = [];
	code: number | null = null;

	constructor(quality: string | number, url = relay.url) {
		this.socket = new WebSocket(`${url.replace("http", "ws")}/websocket/${quality}`);
		this.socket.binaryType = "arraybuffer";
		this.socket.onmessage = ({ data }) => this.images.push(data);
		this.socket.onclose = ({ code }) => {
			this.code = code;
		};
	}
}

test("gets bare JPEG messages of the first camera in the quality it names, and frees it when it leaves", async () => {
	const page = new ReroPage(70);
	await until(() => agent.demand?.renditions.includes(qualityId(70)), { what: "demand for quality 70" });
	for (let i = 1; i <= 10; i++) {
		agent.sendFrame(jpeg, { rendition: qualityId(70) });
		await until(() => page.images.length === i, { what: `image ${i}`, intervalMs: 1 });
	}
	expect(page.images.every((image) => Buffer.compare(new Uint8Array(image), jpeg) === 0)).toBe(true);
	page.socket.close();
	await until(() => agent.demand?.renditions.length === 0, { what: "no demand" });
});

test("two pages on two qualities demand two renditions, on one quality one", async () => {
	const pages = [new ReroPage(30), new ReroPage(95), new ReroPage(95)];
	const wanted = [qualityId(30), qualityId(95)].join();
	await until(() => agent.demand?.renditions.join() === wanted, { what: "demand for 30 and 95" });
	pages[1]!.socket.close();
	pages[0]!.socket.close();
	await until(() => agent.demand?.renditions.join() === `${qualityId(95)}`, { what: "demand for 95 alone" });
	pages[2]!.socket.close();
});

test.each(["29", "96", "abc", "-5", "3e1", "50.5", "1000", "%20"])(
	"quality %s is closed with 1003",
	async (quality) => {
		const page = new ReroPage(quality);
		await until(() => page.code !== null, { what: "the connection to be closed" });
		expect(page.code).toBe(1003);
	},
);

test("a page whose network stands still is not sent a backlog when it moves again", async () => {
	await using link = new SlowLink({ targetPort: Number(new URL(relay.url).port) });
	const page = new ReroPage(50, `http://127.0.0.1:${link.port}`);
	await until(() => agent.demand?.renditions.includes(qualityId(50)), { what: "demand for quality 50" });
	agent.sendFrame(jpeg, { rendition: qualityId(50) });
	await until(() => page.images.length > 0, { what: "an image" });
	link.freeze();
	const before = agent.acks;
	for (let i = 0; i < 100; i++) agent.sendFrame(jpeg, { rendition: qualityId(50) });
	const newest = await smallJpeg({ width: 64, height: 48 }, "#ff0000");
	agent.sendFrame(newest, { rendition: qualityId(50) });
	await until(() => agent.acks >= before + 101, { what: "the frames at the relay" });
	link.thaw();
	await until(() => page.images.some((image) => Buffer.compare(new Uint8Array(image), newest) === 0), {
		what: "the newest image",
	});
	// What was on its way when it stood still, no more: the window lets 20 ms of the link go ahead.
	expect(page.images.length).toBeLessThan(50);
	page.socket.close();
});

test("a page that comes before any camera gets its picture once there is one", async () => {
	await using empty = await startRelay();
	const socket = new WebSocket(`${empty.url.replace("http", "ws")}/websocket/50`);
	socket.binaryType = "arraybuffer";
	let images = 0;
	socket.onmessage = () => images++;
	await new Promise((resolve) => {
		socket.onopen = resolve;
	});
	using late = await new WireAgent(empty.url, "late").publish();
	await until(() => late.demand?.renditions.includes(qualityId(50)), { what: "demand" });
	late.sendFrame(jpeg, { rendition: qualityId(50) });
	await until(() => images === 1, { what: "an image" });
});
