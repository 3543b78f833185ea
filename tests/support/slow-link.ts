import type { Socket, TCPSocketListener } from "bun";
import { Cable, type End, HANDLERS } from "./cable.ts";
import type { Path } from "./one-way.ts";
import { stablePort } from "./ports.ts";
import { tighten } from "./tight-socket.ts";

const BUFFER_BYTES = 16_384;

/** A link's behaviour; what is left out is unlimited or undelayed. */
export interface Shape {
	/** Server to client, bytes per second. */
	downBps?: number;
	/** Client to server, bytes per second. */
	upBps?: number;
	/** Added one way, in each direction. */
	delayMs?: number;
}

/** Where a link leads. */
export interface Route extends Shape {
	/** The port on 127.0.0.1 that the link leads to. */
	targetPort: number;
	/** The size of its own queue and of each kernel socket buffer, each way; 16 384 unless told. */
	bufferBytes?: number;
}

/** Bytes each way: delivered so far, and held inside the link now (kernel buffers not included). */
export interface Traffic {
	downBytes: number;
	upBytes: number;
	heldBytes: number;
	connections: number;
}

/** A cable between a client and a server on this machine: as slow, long, frozen or broken as told. */
export class SlowLink implements AsyncDisposable {
	/** Connect here instead of to the target; on 127.0.0.1. */
	readonly port: number;
	readonly #route: Route;
	readonly #down: Path = { rateBps: Infinity, delayMs: 0 };
	readonly #up: Path = { rateBps: Infinity, delayMs: 0 };
	readonly #cables = new Set<Cable>();
	#past = { downBytes: 0, upBytes: 0 };
	#frozen = false;
	#listener: TCPSocketListener<End> | null;

	/** Listens at once. */
	constructor(route: Route) {
		this.#route = route;
		this.shape(route);
		this.port = stablePort();
		this.#listener = this.#listen(this.port);
	}

	/** Replaces rate and delay, also for connections that are open. */
	shape({ downBps = Infinity, upBps = Infinity, delayMs = 0 }: Shape): void {
		Object.assign(this.#down, { rateBps: downBps, delayMs });
		Object.assign(this.#up, { rateBps: upBps, delayMs });
		for (const cable of this.#cables) cable.nudge();
	}

	/** Nothing passes in either direction, nothing is lost: an outage shorter than TCP's patience. */
	freeze(): void {
		this.#frozen = true;
		for (const cable of this.#cables) cable.freeze();
	}

	/** Ends a freeze; what waited is delivered. */
	thaw(): void {
		this.#frozen = false;
		for (const cable of this.#cables) cable.thaw();
	}

	/** Resets every connection and refuses new ones until `restore`. */
	cut(): void {
		for (const cable of this.#cables) cable.reset(); // before the listener, which would say goodbye with FIN
		this.#listener?.stop(true);
		this.#listener = null;
	}

	/** Both ends keep their connection and never hear of each other again; new connections pass. */
	vanish(): void {
		for (const cable of this.#cables) cable.vanish();
	}

	/** Accepts connections again after `cut`, on the same port. */
	restore(): void {
		this.#listener ??= this.#listen(this.port);
	}

	get traffic(): Traffic {
		const traffic = { ...this.#past, heldBytes: 0, connections: this.#cables.size };
		for (const { down, up } of this.#cables) {
			traffic.downBytes += down.delivered;
			traffic.upBytes += up.delivered;
			traffic.heldBytes += down.heldBytes + up.heldBytes;
		}
		return traffic;
	}

	/** Resets whatever is still connected. */
	async [Symbol.asyncDispose](): Promise<void> {
		this.cut();
	}

	#listen(port: number): TCPSocketListener<End> {
		const { bufferBytes = BUFFER_BYTES } = this.#route;
		const socket = { ...HANDLERS, open: (near: Socket<End>) => this.#accept(near) };
		const listener = Bun.listen<End>({ hostname: "127.0.0.1", port, allowHalfOpen: true, socket });
		tighten(listener, bufferBytes);
		return listener;
	}

	#accept(near: Socket<End>): void {
		const { targetPort, bufferBytes = BUFFER_BYTES } = this.#route;
		const cable = new Cable(near, targetPort, { down: this.#down, up: this.#up, bufferBytes });
		this.#cables.add(cable);
		cable.closed.then(() => {
			this.#cables.delete(cable);
			this.#past.downBytes += cable.down.delivered;
			this.#past.upBytes += cable.up.delivered;
		});
		if (this.#frozen) cable.freeze();
		else cable.thaw();
	}
}
