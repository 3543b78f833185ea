import type { Rendition } from "#shared/ladder.ts";
import type { Change, Choice, Limit } from "#shared/protocol.ts";

/** What the relay sends of one camera, and how it came to that. */
export interface Standing {
	rendition: number;
	limit: Limit;
	change: Change;
	/** When the rendition last changed. */
	changeTime: number;
	/** Which way; null where it is the first, or cannot be compared. */
	direction: "up" | "down" | null;
}

/** The standings after the relay said its choices; `renditionsOf` a camera may be empty. */
export function follow(
	before: Readonly<Record<string, Standing>>,
	choices: readonly Choice[],
	{ now, renditionsOf }: { now: number; renditionsOf: (camera: string) => readonly Rendition[] },
): Record<string, Standing> {
	return Object.fromEntries(
		choices.map(({ id, rendition, limit, change }): [string, Standing] => {
			const old = before[id];
			if (old?.rendition === rendition) return [id, { ...old, limit }];
			const direction =
				old && change !== "joined" ? compare(old.rendition, rendition, renditionsOf(id)) : null;
			return [id, { rendition, limit, change, changeTime: now, direction }];
		}),
	);
}

/** What keeps a picture from a higher rung: where the engine asked for fewer lines than fit, it is the browser. */
export function limitOf(standing: Standing | undefined, browserLines: number | null): Limit | null {
	if (!standing) return null;
	return standing.limit === "window" && browserLines !== null ? "browser" : standing.limit;
}

function compare(from: number, to: number, renditions: readonly Rendition[]): "up" | "down" | null {
	const before = renditions.find(({ id }) => id === from);
	const after = renditions.find(({ id }) => id === to);
	if (!before || !after) return null;
	// Bytes tell the rungs of one ladder apart; between two, only the likeness of what they show compares.
	const gain =
		before.codec === after.codec ? after.nominalBytes - before.nominalBytes : after.ssim - before.ssim;
	if (gain === 0) return null;
	return gain > 0 ? "up" : "down";
}
