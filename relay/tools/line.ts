const HANG_S = 1;

/** The connection of a request, for an answer that has no end. */
export interface Line {
	/** Nobody else ends it for being slow. */
	keep(): void;
	/** Ends it, even while its client takes nothing. */
	hangUp(): void;
}

/** `server`: Bun's. An error in a response's stream would wait behind what the client does not take; a time-out does not. */
export function lineOf(server: unknown, request: Request): Line {
	const bun = server as { timeout(request: Request, seconds: number): void } | null;
	return {
		keep: () => bun?.timeout(request, 0),
		hangUp: () => bun?.timeout(request, HANG_S),
	};
}
