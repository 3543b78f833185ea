import type { Socket } from "bun";

/** Writes whole messages to a socket and refuses the next while one is still under way: a camera drops pictures. */
export class Outlet {
	/** Messages refused. */
	refused = 0;
	#rest: Uint8Array | null = null;
	readonly #socket: Socket<unknown>;

	/** The owner of the socket calls `drained` from its drain handler. */
	constructor(socket: Socket<unknown>) {
		this.#socket = socket;
	}

	/** False when the message was refused. */
	send(message: Uint8Array): boolean {
		if (this.#rest) {
			this.refused += 1;
			return false;
		}
		this.#write(message);
		return true;
	}

	/** The socket has room again. */
	drained(): void {
		if (this.#rest) this.#write(this.#rest);
	}

	#write(bytes: Uint8Array): void {
		const written = this.#socket.write(bytes);
		this.#rest = written >= 0 && written < bytes.byteLength ? bytes.slice(written) : null;
	}
}
