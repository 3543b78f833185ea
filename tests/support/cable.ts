import type { Socket } from "bun";
import { OneWay, type Path } from "./one-way.ts";
import { dial } from "./tight-socket.ts";

/** What a socket of a cable carries as its data. */
export interface End {
	readonly cable: Cable;
	readonly socket: Socket<End>;
	/** Bytes read here go into this direction. */
	readonly outward: OneWay;
	/** Bytes written here come out of that one. */
	readonly inward: OneWay;
	is: "open" | "closed" | "reset";
}

/** Both paths, shared by all cables of a link, and the size of the queue and of each kernel buffer. */
export interface Wiring {
	readonly down: Readonly<Path>;
	readonly up: Readonly<Path>;
	readonly bufferBytes: number;
}

/** The socket handlers of both ends. */
export const HANDLERS = {
	data: ({ data: end }: Socket<End>, bytes: Uint8Array) => end.cable.read(end, bytes),
	drain: ({ data: end }: Socket<End>) => end.inward.drained(),
	end: ({ data: end }: Socket<End>) => end.outward.end(),
	close: ({ data: end }: Socket<End>, error?: Error) => end.cable.lost(end, error ? "reset" : "closed"),
	error: () => {}, // close follows
};

/** One connection through a link: the client's socket, the server's, and a direction each way between them. */
export class Cable {
	readonly down: OneWay;
	readonly up: OneWay;
	/** Resolves when both sockets are closed. */
	readonly closed: Promise<unknown>;
	readonly #nearClosed = Promise.withResolvers<void>();
	readonly #farClosed = Promise.withResolvers<void>();
	readonly #bufferBytes: number;
	readonly #targetPort: number;
	readonly #near: End;
	#far: End | null = null;
	#dialled = false;
	#is: "open" | "frozen" | "vanished" | "reset" = "open";

	/** Takes over an accepted socket; `thaw` connects it to the server. */
	constructor(near: Socket<End>, targetPort: number, wiring: Wiring) {
		this.closed = Promise.all([this.#nearClosed.promise, this.#farClosed.promise]);
		this.#targetPort = targetPort;
		this.#bufferBytes = wiring.bufferBytes;
		const far = {
			pause: () => this.#far?.socket.pause(),
			resume: () => this.#far?.socket.resume(),
			write: (bytes: Uint8Array) => this.#far?.socket.write(bytes) ?? -1,
			end: () => this.#far && hangUp(this.#far, this.#near),
		};
		const client = {
			pause: () => near.pause(),
			resume: () => near.resume(),
			write: (bytes: Uint8Array) => near.write(bytes),
			end: () => this.#far && hangUp(this.#near, this.#far),
		};
		this.down = new OneWay({ source: far, sink: client }, wiring.down, wiring.bufferBytes);
		this.up = new OneWay({ source: client, sink: far }, wiring.up, wiring.bufferBytes);
		this.up.freeze(); // until the server's socket is there
		this.#near = { cable: this, socket: near, outward: this.up, inward: this.down, is: "open" };
		near.data = this.#near;
	}

	/** Bytes arrived at one end. Nobody at the other: the sender learns it as from any closed port. */
	read(end: End, bytes: Uint8Array): void {
		if (this.#is === "vanished") return;
		const other = end === this.#near ? this.#far : this.#near;
		if (other && other.is !== "open" && this.#is === "open") end.socket.terminate();
		else end.outward.push(bytes);
	}

	/** One end is gone; the other hears of it behind the last byte. */
	lost(end: End, how: "closed" | "reset"): void {
		end.is = how;
		end.inward.stop();
		end.outward.end();
		if (end === this.#near) this.#nearClosed.resolve();
		else this.#farClosed.resolve();
	}

	/** Rate or delay have changed. */
	nudge(): void {
		this.down.nudge();
		this.up.nudge();
	}

	/** Nothing passes, nothing is lost. */
	freeze(): void {
		if (this.#is !== "open") return;
		this.#is = "frozen";
		this.down.freeze();
		this.up.freeze();
	}

	/** Passes on what waited; dials if that has not been done. A refused dial resets the client. */
	thaw(): void {
		if (this.#is === "vanished" || this.#is === "reset") return;
		this.#is = "open";
		this.down.thaw();
		if (this.#far) this.up.thaw();
		else if (!this.#dialled) this.#dial();
	}

	/** Neither end ever hears anything again, and neither is told. */
	vanish(): void {
		if (this.#is === "reset") return;
		this.#is = "vanished";
		this.down.stop();
		this.up.stop();
		this.#near.socket.pause();
		this.#far?.socket.pause();
	}

	/** Both ends see their connection reset. */
	reset(): void {
		this.#is = "reset";
		this.#near.socket.terminate();
		this.#far?.socket.terminate();
		if (!this.#far) this.#farClosed.resolve();
	}

	#dial(): void {
		this.#dialled = true;
		const open = (socket: Socket<End>) => this.#connected(socket);
		dial({ port: this.#targetPort, bufferBytes: this.#bufferBytes }, { ...HANDLERS, open }).catch(() =>
			this.reset(),
		);
	}

	#connected(socket: Socket<End>): void {
		this.#far = { cable: this, socket, outward: this.down, inward: this.up, is: "open" };
		socket.data = this.#far;
		if (this.#is === "reset") socket.terminate();
		else if (this.#is === "vanished") socket.pause();
		else if (this.#is === "open") this.up.thaw();
	}
}

function hangUp(end: End, other: End): void {
	if (other.is === "reset") end.socket.terminate();
	else end.socket.shutdown();
}
