import type { Socket, TCPSocketListener } from "bun";
import { localNow } from "#shared/clock.ts";
import { stablePort } from "../../support/ports.ts";
import { dial, tighten } from "../../support/tight-socket.ts";
import { Bottleneck } from "./bottleneck.ts";
import { bufferBytes, type Conditions, type Link, type Network } from "./link.ts";

const HOST = "127.0.0.1";
const KERNEL_BYTES = 16_384; // of each socket buffer on the way
const PORTION_MS = 4; // bytes leave in portions this long, so that a slow rate trickles
const PORTION_BYTES = { min: 64, max: 1_448 }; // at most a segment, as a header comes with the first of its body

/**
 * Links of TCP streams, for machines where no packets can be had: each connection is taken apart and its bytes are
 * passed on at the trace's rate. A full queue is no longer read, so the rest waits in the sender's socket. What it
 * cannot show is the sender's TCP: no slow start, no loss, and the kernel's send buffer stays small.
 */
export class TcpNetwork implements Network {
	readonly kind = "tcp";
	readonly congestionControl = null;
	readonly host = HOST;
	readonly #links: TcpLink[] = [];

	lay(conditions: Conditions): Link {
		const link = new TcpLink(conditions);
		this.#links.push(link);
		return link;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const link of this.#links) link.close();
	}
}

/** One socket of a connection; what is read there goes to `other`. */
interface End {
	readonly link: TcpLink;
	readonly isClient: boolean;
	socket: Socket<End> | null;
	other: End;
	/** What its socket has not taken yet. */
	rest: Uint8Array[];
	isEnded: boolean;
}

interface Portion {
	to: End;
	/** null: the sender has said its last byte. */
	bytes: Uint8Array | null;
}

const HANDLERS = {
	data: ({ data: end }: Socket<End>, bytes: Uint8Array) => end.link.read(end, bytes),
	drain: ({ data: end }: Socket<End>) => end.link.write(end, null),
	end: ({ data: end }: Socket<End>) => end.link.ended(end),
	close: ({ data: end }: Socket<End>) => end.link.ended(end),
	error: () => {}, // close follows
};

class TcpLink implements Link {
	readonly host = HOST;
	readonly port = stablePort();
	readonly droppedPackets = 0;
	startTime: number | null = null;
	readonly #conditions: Conditions;
	readonly #down: Bottleneck<Portion>;
	readonly #up: Bottleneck<Portion>;
	readonly #listener: TCPSocketListener<End>;
	readonly #ends = new Set<End>();
	#timer: Timer | undefined;
	#isPaused = false;

	constructor(conditions: Conditions) {
		this.#conditions = conditions;
		const delayMs = conditions.rttMs / 2;
		const free = { trace: null, bufferBytes: Number.POSITIVE_INFINITY, delayMs };
		const narrow = { trace: conditions.trace, bufferBytes: bufferBytes(conditions), delayMs };
		this.#down = new Bottleneck(conditions.shaped === "down" ? narrow : free);
		this.#up = new Bottleneck(conditions.shaped === "up" ? narrow : free);
		const open = (socket: Socket<End>) => this.#accept(socket);
		this.#listener = Bun.listen<End>({
			hostname: HOST,
			port: this.port,
			allowHalfOpen: true,
			socket: { ...HANDLERS, open },
		});
		tighten(this.#listener, KERNEL_BYTES);
	}

	get servedBytes(): number {
		return this.#shaped.servedBytes;
	}

	get queuedBytes(): number {
		return this.#shaped.queuedBytes;
	}

	/** Cuts every connection. */
	close(): void {
		clearTimeout(this.#timer);
		this.#listener.stop(true);
		for (const { socket } of this.#ends) socket?.terminate();
	}

	/** Takes what an end has read. */
	read(end: End, bytes: Uint8Array): void {
		const at = this.#at();
		const way = this.#wayFrom(end);
		const rate = way === this.#shaped ? this.#conditions.trace.kbpsAt(at) / 8 : Number.POSITIVE_INFINITY;
		const size = Math.ceil(Math.min(PORTION_BYTES.max, Math.max(PORTION_BYTES.min, rate * PORTION_MS)));
		const kept = bytes.slice();
		for (let from = 0; from < kept.length; from += size) {
			const portion = kept.subarray(from, from + size);
			way.push(at, { to: end.other, bytes: portion }, portion.length);
		}
		this.#pump();
	}

	/** An end has said its last byte, or is gone. */
	ended(end: End): void {
		if (end.isEnded) return;
		end.isEnded = true;
		this.#ends.delete(end);
		this.#wayFrom(end).push(this.#at(), { to: end.other, bytes: null }, 0);
		this.#pump();
	}

	/** Writes what waits for an end, then `bytes`. */
	write(end: End, bytes: Uint8Array | null): void {
		if (bytes) end.rest.push(bytes);
		while (end.socket && end.rest.length > 0) {
			const head = end.rest[0]!;
			const taken = end.socket.write(head);
			if (taken < 0)
				end.rest = []; // closed
			else if (taken < head.length) {
				end.rest[0] = head.subarray(taken);
				return;
			} else end.rest.shift();
		}
	}

	#accept(socket: Socket<End>): void {
		const client = { link: this, isClient: true, socket, rest: [], isEnded: false } as Partial<End> as End;
		const server: End = {
			link: this,
			isClient: false,
			socket: null,
			rest: [],
			isEnded: false,
			other: client,
		};
		client.other = server;
		socket.data = client;
		this.#ends.add(client).add(server);
		if (this.#isPaused) this.#regulate(client);
		const open = (far: Socket<End>) => {
			far.data = server;
			server.socket = far;
			if (this.#isPaused) this.#regulate(server);
			this.write(server, null);
		};
		const refused = () => socket.terminate();
		dial<End>({ port: this.#conditions.targetPort, bufferBytes: KERNEL_BYTES }, { ...HANDLERS, open }).catch(
			refused,
		);
	}

	#pump(): void {
		clearTimeout(this.#timer);
		const at = this.#at();
		for (const way of [this.#down, this.#up])
			for (let portion = way.take(at); portion; portion = way.take(at)) {
				if (portion.bytes) this.write(portion.to, portion.bytes);
				else portion.to.socket?.end();
			}
		const isFull = !this.#shaped.hasRoom(at, 1);
		if (isFull !== this.#isPaused) {
			this.#isPaused = isFull;
			for (const end of this.#ends) this.#regulate(end);
		}
		const next = Math.min(
			this.#down.nextArrival,
			this.#up.nextArrival,
			isFull ? this.#shaped.nextDeparture : Infinity,
		);
		if (next < Infinity) this.#timer = setTimeout(() => this.#pump(), Math.max(0, next - at));
	}

	/** A full queue is fed by nobody. */
	#regulate({ socket, isClient }: End): void {
		const feedsQueue = isClient === (this.#conditions.shaped === "up");
		if (!feedsQueue) return;
		if (this.#isPaused) socket?.pause();
		else socket?.resume();
	}

	#at(): number {
		const now = localNow();
		this.startTime ??= now;
		return now - this.startTime;
	}

	#wayFrom(end: End): Bottleneck<Portion> {
		return end.isClient ? this.#up : this.#down;
	}

	get #shaped(): Bottleneck<Portion> {
		return this.#conditions.shaped === "down" ? this.#down : this.#up;
	}
}
