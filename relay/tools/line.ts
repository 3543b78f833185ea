import type { Server } from "bun";
import type { Accepted } from "../socket.ts";

const HANG_S = 1;

/** The connection of a request, for an answer that has no end. */
export interface Line {
	/** Nobody else ends it for being slow. */
	keep(): void;
	/** Ends it, even while its client takes nothing. */
	hangUp(): void;
}

/** `server` is the one the request came in by. An error in a response's stream would wait behind what the client does not take; a time-out does not. */
export function lineOf(server: Server<Accepted>, request: Request): Line {
	return {
		keep: () => server.timeout(request, 0),
		hangUp: () => server.timeout(request, HANG_S),
	};
}
