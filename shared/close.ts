/** When a peer that was closed may dial again: with its usual backoff, after a person changed something, never. */
export type Retry = "soon" | "later" | "never";

/** Every reason a connection ends, as a WebSocket close code (4000-4999: RFC 6455 section 7.4.2). */
export const CLOSE = {
	goodbye: 1000,
	unsupported: 1003,
	tooLarge: 1009,
	flooding: 1008,
	internalError: 1011,
	restarting: 1012,
	badMessage: 4400,
	badKey: 4401,
	denied: 4403,
	version: 4406,
	timeout: 4408,
	replaced: 4409,
	expired: 4410,
	revoked: 4411,
	disconnected: 4412,
	cameraTaken: 4423,
} as const;

export type CloseReason = keyof typeof CLOSE;

const RETRY: Record<CloseReason, Retry> = {
	goodbye: "soon",
	unsupported: "never",
	tooLarge: "later",
	flooding: "later",
	internalError: "soon",
	restarting: "soon",
	badMessage: "later",
	badKey: "later",
	denied: "never",
	version: "later",
	timeout: "soon",
	replaced: "never",
	expired: "never",
	revoked: "never",
	disconnected: "never",
	cameraTaken: "later",
};

const MAX_REASON_BYTES = 120; // RFC 6455 section 5.5: a close frame carries at most 123 bytes of text

/** `words` cut to what fits into a close frame, whole characters only. */
export function closeWords(words: string): string {
	const bytes = new TextEncoder().encode(words);
	return new TextDecoder().decode(bytes.subarray(0, MAX_REASON_BYTES), { stream: true });
}

/** Wait before dialing again after "later": short enough that nobody has to restart anything, rare enough to be no load. */
export const RETRY_LATER_MS = 10_000;

/** What a close code allows; codes not in the table (1006: the network broke) are retried soon. */
export function retryAfter(code: number): Retry {
	for (const [reason, known] of Object.entries(CLOSE))
		if (known === code) return RETRY[reason as CloseReason];
	return "soon";
}
