import type { Trace } from "./trace.ts";

/** What a link is like, and where it leads. */
export interface Conditions {
	trace: Trace;
	/** Round trip without queues, ms; half of it each way. */
	rttMs: number;
	/** The bottleneck's queue, in ms of the trace's mean rate. */
	bufferMs: number;
	/** The direction the trace is for: towards who dials, or away from it. */
	shaped: "down" | "up";
	/** Port of the server on `Network.host`. */
	targetPort: number;
}

/** One emulated link; all connections through it share its queue. */
export interface Link {
	/** Dial here instead of the server. */
	readonly host: string;
	readonly port: number;
	/** When its trace began, `localNow`: at the first packet; null before. */
	readonly startTime: number | null;
	/** What has left the bottleneck in the shaped direction. */
	readonly servedBytes: number;
	readonly queuedBytes: number;
	/** Packets the full queue refused; a link of TCP streams makes its senders wait instead. */
	readonly droppedPackets: number;
}

/** A place where links can be laid. */
export interface Network extends AsyncDisposable {
	readonly kind: "tun" | "tcp";
	/** Of the senders' TCP, which decides much of what the rivals get; null where it does not see the link. */
	readonly congestionControl: string | null;
	/** Servers behind links listen on this address. */
	readonly host: string;
	lay(conditions: Conditions): Link;
}

/** Bytes of the bottleneck's queue. */
export function bufferBytes({ trace, bufferMs }: Conditions): number {
	return Math.max(MIN_BUFFER_BYTES, (trace.meanKbps / 8) * bufferMs);
}

const MIN_BUFFER_BYTES = 30_000; // twenty packets: less no router has
