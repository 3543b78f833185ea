// Those who mean harm, in one process. Arguments: URL, camera, how many stalled, idle, flooding, rung-changing.
import type { Socket } from "bun";
import { encodePing } from "#shared/ping.ts";

const [url = "", camera = "", ...counts] = process.argv.slice(2);
const [stalled = 0, idle = 0, flooding = 0, changing = 0] = counts.map(Number);
const { hostname, port } = new URL(url);
const address = { hostname, port: Number(port) };
const PINGS_MS = 1_000;
const CHANGE_MS = 20;
const RUNGS = 9;
const FLOOD_BUFFER_BYTES = 64 * 1024;
const AT_ONCE = 200; // dials under way
const HELLO = JSON.stringify({ type: "hello", protocol: 1, software: "attacker" });

const now = { stalled: 0, idle: 0, flooding: 0, changing: 0 };
const sofar = { dials: 0, closed: 0, floods: 0, changes: 0 };
setInterval(() => console.log(JSON.stringify({ now, sofar })), 500);

await many(idle, idler);
await many(stalled, staller);
for (let i = 0; i < flooding; i++) flooder();
for (let i = 0; i < changing; i++) changer();
console.log("attacking");

/** Starts `count` of them, some at a time. */
async function many(count: number, start: () => Promise<void>): Promise<void> {
	for (let i = 0; i < count; i += AT_ONCE)
		await Promise.all(Array.from({ length: Math.min(AT_ONCE, count - i) }, start));
}

/** Connects and never says a word; again whenever it is thrown out. */
async function idler(): Promise<void> {
	sofar.dials++;
	const again = () => {
		now.idle--;
		sofar.closed++;
		void idler();
	};
	await Bun.connect({ ...address, socket: { data() {}, close: again } }).then(
		() => now.idle++,
		() => setTimeout(idler, PINGS_MS),
	);
}

/** Watches, stops reading, and keeps saying that it lives. */
async function staller(): Promise<void> {
	sofar.dials++;
	const watched = { id: camera, rendition: 2, maxLines: null, maxFramesPerSecond: null, isFocused: true };
	const watch = JSON.stringify({
		type: "watch",
		mode: "sharp",
		codecs: ["jpeg"],
		rememberedBps: 1e9,
		cameras: [watched],
	});
	let timer: Timer | undefined;
	const upgraded = (socket: Socket) => {
		socket.pause();
		for (const text of [HELLO, watch]) socket.write(masked(1, new TextEncoder().encode(text)));
		timer = setInterval(() => socket.write(masked(2, encodePing({ sentTime: 1 }))), PINGS_MS);
	};
	const open = (socket: Socket) => {
		now.stalled++;
		socket.write(
			`GET /watch HTTP/1.1\r\nHost: ${hostname}:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
				"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
		);
	};
	const close = () => {
		clearInterval(timer);
		now.stalled--;
		sofar.closed++;
		void staller();
	};
	await Bun.connect({ ...address, socket: { open, data: upgraded, close } }).catch(() =>
		setTimeout(staller, PINGS_MS),
	);
}

/** As many small messages as the socket takes. */
function flooder(): void {
	const socket = dial(flooder, () => now.flooding--);
	const ping = encodePing({ sentTime: 1 });
	const flood = () => {
		if (socket.readyState !== WebSocket.OPEN) return;
		for (let i = 0; i < 2_000 && socket.bufferedAmount < FLOOD_BUFFER_BYTES; i++, sofar.floods++)
			socket.send(ping);
		setImmediate(flood);
	};
	socket.addEventListener("open", () => {
		now.flooding++;
		flood();
	});
}

/** Another rung fifty times a second. */
function changer(): void {
	let timer: Timer | undefined;
	const socket = dial(changer, () => {
		clearInterval(timer);
		now.changing--;
	});
	socket.addEventListener("open", () => {
		now.changing++;
		timer = setInterval(() => {
			const rendition = sofar.changes++ % RUNGS;
			const watched = { id: camera, rendition, maxLines: null, maxFramesPerSecond: null, isFocused: true };
			socket.send(
				JSON.stringify({
					type: "watch",
					mode: "sharp",
					codecs: ["jpeg"],
					rememberedBps: null,
					cameras: [watched],
				}),
			);
			socket.send(encodePing({ sentTime: 1 }));
		}, CHANGE_MS);
	});
}

function dial(again: () => void, gone: () => void): WebSocket {
	sofar.dials++;
	let wasOpen = false;
	const socket = new WebSocket(`${url.replace("http", "ws")}/watch`);
	socket.addEventListener("open", () => {
		wasOpen = true;
		socket.send(HELLO);
	});
	socket.addEventListener("close", () => {
		sofar.closed++;
		if (wasOpen) gone();
		setTimeout(again, PINGS_MS);
	});
	return socket;
}

/** One WebSocket message of a client, masked with zeros (RFC 6455 section 5.2). */
function masked(opcode: number, payload: Uint8Array): Uint8Array {
	const length =
		payload.length < 126 ? [payload.length | 0x80] : [0xfe, payload.length >> 8, payload.length & 255];
	return Uint8Array.from([0x80 | opcode, ...length, 0, 0, 0, 0, ...payload]);
}
