import type { Codec } from "#shared/frame.ts";
import { sleep } from "#shared/sleep.ts";

/** Why this page shows no H.264. */
export type Obstacle =
	/** http:// on a host other than this one: browsers keep their decoders from such pages. */
	| { is: "insecure" }
	/** The browser has no decoder for pages. */
	| { is: "missing" }
	/** It has one, without H.264 or without this kind of it. */
	| { is: "unsupported"; codec: string }
	/** It failed twice within a minute; the browser's own words. */
	| { is: "failing"; words: string }
	/** It took frames and gave no picture. */
	| { is: "silent" };

const ANSWER_MS = 1_000; // a browser that has not said by then must not keep the page waiting
const USUAL = "avc1.64001f"; // High profile, level 3.1: 720p30

/** Finds out whether this browser decodes H.264 here at all; null: it does. Aborting ends the wait. */
export async function findObstacle(signal: AbortSignal): Promise<Obstacle | null> {
	if (typeof VideoDecoder === "undefined") return { is: isSecureContext ? "missing" : "insecure" };
	const answer = isSupported({ codec: USUAL, optimizeForLatency: true });
	const isIt = await Promise.race([answer, sleep(ANSWER_MS, signal)]);
	if (isIt === undefined) return { is: "silent" };
	return isIt ? null : { is: "unsupported", codec: USUAL };
}

/** Whether this browser says that it decodes this. */
export async function isSupported(config: VideoDecoderConfig): Promise<boolean> {
	try {
		return (await VideoDecoder.isConfigSupported(config)).supported === true;
	} catch {
		return false; // it calls the config invalid
	}
}

/** What the page decodes. */
export function codecsOf(obstacle: Obstacle | null): Codec[] {
	return obstacle ? ["jpeg"] : ["jpeg", "h264"];
}
