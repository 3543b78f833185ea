const MAX_TAKEOVERS = 3;
const WITHIN_MS = 60_000;

/** What an agent's connection may publish. */
export interface PublishRights {
	/** Whether it showed a key: then it may take a camera over from another agent. */
	readonly isKeyed: boolean;
	opens(camera: string): boolean;
}

/** Everybody may publish everything: a relay on this machine alone. */
export const OPEN_RIGHTS: PublishRights = { isKeyed: false, opens: () => true };

/** How often cameras changed hands lately: two agents that both want one would otherwise push each other out for ever. */
export class Takeovers {
	readonly #times = new Map<string, number[]>();

	/** Notes a takeover of a camera; false when there were too many, and none happens. `now` in ms. */
	allow(camera: string, now: number): boolean {
		const recent = (this.#times.get(camera) ?? []).filter((time) => now - time < WITHIN_MS);
		const isAllowed = recent.length < MAX_TAKEOVERS;
		if (isAllowed) recent.push(now);
		this.#times.set(camera, recent);
		return isAllowed;
	}
}
