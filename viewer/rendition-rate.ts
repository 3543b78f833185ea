import type { Rendition } from "#shared/ladder.ts";

/** What is on screen now, as measured; `rendition` undefined: nothing yet. */
export interface Measured {
	rendition: Rendition | undefined;
	bitsPerSecond: number;
	framesPerSecond: number;
}

/**
 * What a rendition takes or would take, bits per second: measured for the one on screen, guessed for the rest of its
 * ladder from how much harder or easier this scene is than the average one its nominal size stands for.
 */
export function rateOf(rendition: Rendition, shown: Measured, sourceFps: number | null): number {
	const isMeasured = shown.rendition !== undefined && shown.framesPerSecond > 0 && shown.bitsPerSecond > 0;
	if (isMeasured && rendition.id === shown.rendition?.id) return shown.bitsPerSecond;
	const nominalBps = rendition.nominalBytes * 8 * (sourceFps ?? 30);
	if (!isMeasured || rendition.codec !== shown.rendition?.codec) return nominalBps;
	const frameBits = shown.bitsPerSecond / shown.framesPerSecond;
	const guessedBps = nominalBps * (frameBits / (8 * shown.rendition.nominalBytes));
	return rendition.codec === "h264" ? Math.min(guessedBps, rendition.maxBps) : guessedBps;
}
