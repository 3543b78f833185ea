import { expect, test } from "bun:test";
import { type Shape, SlowLink } from "./slow-link.ts";
import { until } from "./until.ts";

const FRAME_BYTES = 50_000;

/** A server that sends frames as fast as its socket takes them, or echoes. */
function target(): Bun.Server<unknown> {
	return Bun.serve({
		hostname: "127.0.0.1",
		port: 0,
		fetch: (request, server) =>
			server.upgrade(request, { data: undefined }) ? undefined : new Response(new Uint8Array(FRAME_BYTES)),
		websocket: { message: (ws, message) => void ws.send(message) },
	});
}

async function through(shape: Shape) {
	const server = target();
	const link = new SlowLink({ targetPort: server.port ?? 0, ...shape });
	return {
		link,
		url: `http://127.0.0.1:${link.port}/`,
		[Symbol.asyncDispose]: async () => {
			await link[Symbol.asyncDispose]();
			await server.stop(true);
		},
	};
}

async function socketThrough(link: SlowLink): Promise<WebSocket> {
	const socket = new WebSocket(`ws://127.0.0.1:${link.port}/`);
	await new Promise((resolve, reject) => {
		socket.onopen = resolve;
		socket.onclose = reject;
	});
	return socket;
}

function echo(socket: WebSocket): Promise<number> {
	const started = performance.now();
	const { promise, resolve } = Promise.withResolvers<number>();
	socket.onmessage = () => resolve(performance.now() - started);
	socket.send("x");
	return promise;
}

test("bytes arrive at the rate that was set", async () => {
	await using run = await through({ downBps: 100_000 });
	const started = performance.now();
	const body = await (await fetch(run.url)).arrayBuffer();
	const tookMs = performance.now() - started;
	expect(body.byteLength).toBe(FRAME_BYTES);
	expect(tookMs).toBeGreaterThan(498);
	expect(tookMs).toBeLessThan(560);
	expect(run.link.traffic.downBytes).toBeGreaterThan(FRAME_BYTES);
});

test("the delay is paid in both directions, and can be changed on an open connection", async () => {
	await using run = await through({ delayMs: 40 });
	const socket = await socketThrough(run.link);
	const slow = await echo(socket);
	expect(slow).toBeGreaterThan(79);
	expect(slow).toBeLessThan(100);
	run.link.shape({});
	expect(await echo(socket)).toBeLessThan(20);
	socket.close();
});

test("a freeze holds everything and loses nothing; the link itself holds little", async () => {
	await using run = await through({});
	const socket = await socketThrough(run.link);
	run.link.freeze();
	let answered = false;
	const answer = echo(socket).then(() => {
		answered = true;
	});
	const flood = new SlowLinkFlood(run.link.port);
	await until(() => run.link.traffic.heldBytes > 10_000, { what: "the flood to reach the link" });
	expect(answered).toBe(false);
	expect(run.link.traffic.heldBytes).toBeLessThan(200_000);
	flood.stop();
	run.link.thaw();
	await answer;
	socket.close();
});

/** Writes 4 MB at once to a port. */
class SlowLinkFlood {
	readonly #socket: Promise<Bun.Socket>;

	constructor(port: number) {
		const write = (socket: Bun.Socket) => void socket.write(new Uint8Array(4_000_000));
		this.#socket = Bun.connect({ hostname: "127.0.0.1", port, socket: { open: write, data() {} } });
	}

	async stop(): Promise<void> {
		(await this.#socket).terminate();
	}
}

test("a cut resets both ends and refuses new ones until restored on the same port", async () => {
	await using run = await through({});
	const socket = await socketThrough(run.link);
	const closed = new Promise((resolve) => {
		socket.onclose = resolve;
	});
	run.link.cut();
	await closed;
	await expect(fetch(run.url)).rejects.toThrow();
	run.link.restore();
	expect((await fetch(run.url)).status).toBe(200);
});

test("after vanishing neither end is told anything, and a new connection passes", async () => {
	await using run = await through({});
	const socket = await socketThrough(run.link);
	let heard = "";
	socket.onclose = () => {
		heard = "close";
	};
	run.link.vanish();
	socket.onmessage = () => {
		heard = "message";
	};
	socket.send("x");
	expect((await fetch(run.url, { keepalive: false })).status).toBe(200);
	expect(heard).toBe("");
	socket.close();
});
