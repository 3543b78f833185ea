import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { ladderFor } from "#shared/ladder.ts";
import { padded } from "../../support/big-jpeg.ts";
import { MultipartReader as Reader } from "../../support/multipart-reader.ts";
import { type Running, startRelay } from "../../support/processes.ts";
import { dial } from "../../support/tight-socket.ts";
import { until } from "../../support/until.ts";
import { smallJpeg, WireAgent } from "../../support/wire-agent.ts";
import { WireClient } from "../../support/wire-client.ts";

let relay: Running & { url: string };
let jpeg: Buffer;
beforeAll(async () => {
	[relay, jpeg] = await Promise.all([startRelay(), smallJpeg()]);
});
afterAll(() => relay[Symbol.asyncDispose]());

const TOP = ladderFor({ width: 64, height: 48 }).length - 1;
const errorOf = async (response: Response) => ((await response.json()) as { error: string }).error;
async function metric(name: string): Promise<number> {
	const text = await (await fetch(`${relay.url}/metrics`)).text();
	return Number(new RegExp(`^${name.replace(/[{}]/g, "\\$&")} (\\S+)$`, "m").exec(text)?.[1]);
}

describe("stream.mjpg", () => {
	test("has the newest frame next, however many came meanwhile", async () => {
		using agent = await new WireAgent(relay.url, "newest").publish();
		agent.sendFrame(jpeg, { rendition: TOP });
		await until(() => agent.acks === 1, { what: "a frame at the relay" });
		const { promise: opened, resolve } = Promise.withResolvers<void>();
		let received = Buffer.alloc(0);
		let client!: Bun.Socket;
		await dial(
			{ port: Number(new URL(relay.url).port), bufferBytes: 16_384 },
			{
				open(socket) {
					client = socket as unknown as Bun.Socket;
					socket.write("GET /cameras/newest/stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n");
				},
				data(socket, bytes) {
					received = Buffer.concat([received, bytes]);
					if (received.length === bytes.length) socket.pause();
					resolve();
				},
			},
		);
		await opened;
		const large = padded(jpeg, 100_000);
		for (let i = 0; i < 100; i++) agent.sendFrame(large, { rendition: TOP });
		const newest = await smallJpeg({ width: 64, height: 48 }, "#ff0000");
		agent.sendFrame(newest, { rendition: TOP });
		await until(() => agent.acks === 102, { what: "all frames at the relay" });
		client.resume();
		await until(() => received.includes(newest), { what: "the newest picture" });
		client.terminate();
		expect(received.length).toBeLessThan(5_000_000); // of 10 MB: what the kernel held before it stopped taking
		expect(await metric('sightline_frames_lost_total{camera="newest",reason="replaced"}')).toBeGreaterThan(
			40,
		);
	});

	test("to a client that takes nothing: others get every frame, memory stays, and it is ended", async () => {
		using agent = await new WireAgent(relay.url, "stalled").publish();
		using good = new WireClient(`${relay.url}/watch`, { onFrame() {} });
		await good.heard("welcome");
		agent.sendFrame(jpeg, { rendition: TOP });
		await until(() => agent.acks === 1, { what: "a frame at the relay" });
		let isClosed = false;
		let client!: Bun.Socket;
		await dial(
			{ port: Number(new URL(relay.url).port), bufferBytes: 16_384 },
			{
				open(socket) {
					client = socket as unknown as Bun.Socket;
					socket.write("GET /cameras/stalled/stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n");
					socket.pause();
				},
				data() {},
				close() {
					isClosed = true;
				},
			},
		);
		good.watch({ stalled: TOP });
		const sendOne = async (body: Buffer, count: number) => {
			agent.sendFrame(body, { rendition: TOP });
			await until(() => good.frameCount >= count, { what: `frame ${count}`, intervalMs: 1 });
		};
		await until(async () => (await metric('sightline_camera_viewers{camera="stalled"}')) === 2, {
			what: "both viewers",
		});
		const large = padded(jpeg, 1_000_000);
		const small = padded(jpeg, 2_000);
		let count = good.frameCount;
		for (let i = 0; i < 400; i++) await sendOne(small, ++count); // fills what the kernel takes
		const before = await metric("process_resident_memory_bytes");
		for (let i = 0; i < 100; i++) await sendOne(large, ++count);
		const grown = (await metric("process_resident_memory_bytes")) - before;
		expect(grown).toBeLessThan(60_000_000); // 100 MB passed
		await until(async () => (await metric("sightline_http_stalled_total")) === 1, {
			what: "the stalled client to be ended",
			timeoutMs: 25_000,
		});
		expect(await metric('sightline_camera_viewers{camera="stalled"}')).toBe(1);
		for (let i = 0; i < 20; i++) await sendOne(small, ++count);
		client.resume();
		await until(() => isClosed, { what: "its connection to be closed", timeoutMs: 10_000 });
	}, 60_000);

	test("ends when the relay does, and does not keep it from ending", async () => {
		await using own = await startRelay();
		using agent = await new WireAgent(own.url, "last").publish();
		agent.sendFrame(jpeg, { rendition: TOP });
		await until(() => agent.acks === 1, { what: "a frame at the relay" });
		await using reader = await Reader.open(`${own.url}/cameras/last/stream.mjpg`);
		const events = await fetch(`${own.url}/api/events`);
		await reader.next();
		own.kill("SIGTERM");
		expect(await own.exited).toBe(0);
		expect(await reader.next().catch(() => null)).toBeNull();
		await events.text().catch(() => {});
	});

	test("of which there are 256 is refused to the next, until one leaves", async () => {
		await using own = await startRelay();
		using agent = await new WireAgent(own.url, "crowded").publish();
		agent.sendFrame(jpeg, { rendition: TOP });
		await until(() => agent.acks === 1, { what: "a frame at the relay" });
		const open = async () => {
			const text = await (await fetch(`${own.url}/metrics`)).text();
			return Number(/^sightline_http_viewers (\d+)$/m.exec(text)?.[1]);
		};
		const sockets = await Promise.all(
			Array.from({ length: 256 }, () =>
				Bun.connect({
					hostname: "127.0.0.1",
					port: Number(new URL(own.url).port),
					socket: {
						open: (socket) =>
							void socket.write("GET /cameras/crowded/stream.mjpg HTTP/1.1\r\nHost: localhost\r\n\r\n"),
						data() {},
					},
				}),
			),
		);
		await until(async () => (await open()) === 256, { what: "256 viewers" });
		const late = await fetch(`${own.url}/cameras/crowded/stream.mjpg`);
		expect([late.status, late.headers.get("retry-after"), await errorOf(late)]).toEqual([
			503,
			"10",
			"256 HTTP viewers are connected, which is the most",
		]);
		sockets.pop()!.terminate();
		await until(async () => (await open()) === 255, { what: "one fewer" });
		await using reader = await Reader.open(`${own.url}/cameras/crowded/stream.mjpg`);
		expect((await reader.next())!.body.equals(jpeg)).toBe(true);
		for (const socket of sockets) socket.terminate();
	});
});
