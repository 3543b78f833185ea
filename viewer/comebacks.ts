import type { TileState } from "./tile-state.ts";

const BRIEF_MS = 3_000; // who was away for less was hardly missed

/** A camera that shows a picture again. */
export interface Comeback {
	camera: string;
	awayMs: number;
}

/** Notices which cameras are back. Pure but for what it remembers. */
export class Comebacks {
	readonly #away = new Map<string, number>(); // since when

	/** Looks at the states as they are now. */
	look(states: ReadonlyMap<string, TileState>, now: number): Comeback[] {
		const back: Comeback[] = [];
		for (const [camera, state] of states) {
			const since = this.#away.get(camera);
			if ((state.is === "offline" || state.is === "frozen") && since === undefined)
				this.#away.set(camera, Math.min(state.since, now));
			else if (state.is === "live" && since !== undefined) {
				this.#away.delete(camera);
				if (now - since >= BRIEF_MS) back.push({ camera, awayMs: now - since });
			}
		}
		return back;
	}
}
