import { dlopen } from "bun:ffi";
import type { SocketHandler } from "bun";

// Linux, from sys/socket.h, netinet/in.h and netinet/tcp.h.
const AF_INET = 2;
const SOCK_STREAM = 1;
const SOL_SOCKET = 1;
const SO_SNDBUF = 7;
const SO_RCVBUF = 8;
const IPPROTO_TCP = 6;
const TCP_MAXSEG = 2;
// Loopback offers 65 483-byte segments; a window smaller than one of those waits for a delayed ack, 44 ms each time.
const SEGMENT_BYTES = 1_460;

/**
 * Fixes the kernel buffers of all sockets a listener will accept; left alone they grow to megabytes on loopback.
 * False outside Linux, where nothing is changed.
 */
export function tighten(listener: object, bufferBytes: number): boolean {
	const descriptor: unknown = Reflect.get(listener, "fd"); // there in Bun 1.4.5, absent from its types
	if (process.platform !== "linux" || typeof descriptor !== "number") return false;
	return shrink(descriptor, bufferBytes);
}

/** Connects to a port of 127.0.0.1, half-open allowed; on Linux its kernel buffers are fixed from the first packet. */
export async function dial<T>(
	{ port, bufferBytes }: { port: number; bufferBytes: number },
	socket: SocketHandler<T>,
): Promise<void> {
	const options = { hostname: "127.0.0.1", port, allowHalfOpen: true, socket };
	if (process.platform !== "linux") await Bun.connect<T>(options);
	// A descriptor takes precedence over the address in Bun 1.4.5, though the types of connect do not mention it.
	else await Bun.connect<T>(Object.assign(options, { fd: connected(port, bufferBytes) }));
}

function connected(port: number, bufferBytes: number): number {
	const descriptor = libc().socket(AF_INET, SOCK_STREAM, 0);
	shrink(descriptor, bufferBytes); // before connect: the segment size travels in the SYN
	const address = new Uint8Array(16);
	new DataView(address.buffer).setUint16(0, AF_INET, true);
	new DataView(address.buffer).setUint16(2, port);
	address.set([127, 0, 0, 1], 4);
	if (libc().connect(descriptor, address, address.byteLength) === 0) return descriptor;
	libc().close(descriptor);
	throw new Error(`nothing listens on port ${port}`);
}

function shrink(descriptor: number, bufferBytes: number): boolean {
	const settings = [
		[SOL_SOCKET, SO_SNDBUF, bufferBytes],
		[SOL_SOCKET, SO_RCVBUF, bufferBytes],
		[IPPROTO_TCP, TCP_MAXSEG, SEGMENT_BYTES],
	] as const;
	const set = ([level, name, value]: (typeof settings)[number]) =>
		libc().setsockopt(descriptor, level, name, new Int32Array([value]), 4) === 0;
	return settings.every(set);
}

let opened: ReturnType<typeof open> | undefined;

function libc() {
	opened ??= open();
	return opened.symbols;
}

function open() {
	return dlopen("libc.so.6", {
		socket: { args: ["i32", "i32", "i32"], returns: "i32" },
		setsockopt: { args: ["i32", "i32", "i32", "ptr", "u32"], returns: "i32" },
		connect: { args: ["i32", "ptr", "u32"], returns: "i32" },
		close: { args: ["i32"], returns: "i32" },
	});
}
