import type { StoredKey } from "./publish-keys.ts";

/** A share link as it is kept: everything but the token, which only its holder has. Instants in ms since the Unix epoch. */
export interface LinkRecord {
	id: string;
	/** What the operator calls it; possibly empty. */
	label: string;
	cameras: readonly string[];
	created: number;
	expires: number;
}

/** What the relay remembers of keys, links and revocations. */
export interface Records {
	/** Whether it outlives the process. */
	readonly isLasting: boolean;
	keys(): readonly StoredKey[];
	links(): readonly LinkRecord[];
	hasLink(id: string): boolean;
	addLink(link: LinkRecord): void;
	/**
	 * Returns only once it is kept. One that throws counts all the same while the process runs. `expires`: when the token
	 * dies anyway, so that the entry may be forgotten.
	 */
	revoke(id: string, expires: number): void;
	/** Keeps the revocations that could not be kept at once; throws while that is so. */
	writeLate(): void;
	isRevoked(id: string): boolean;
	/** Whether somebody else (the command line) changed something since the last call. */
	changed(): boolean;
	/** Forgets links and revocations that have expired. */
	forgetExpired(now: number): void;
	close(): void;
}

const MAX_KEPT = 10_000;

/** Remembers for as long as the process runs: links still expire afterwards, revocations are forgotten. */
export class MemoryRecords implements Records {
	readonly isLasting = false;
	readonly #links = new Map<string, LinkRecord>();
	readonly #revoked = new Map<string, number>();

	keys(): readonly StoredKey[] {
		return [];
	}

	links(): readonly LinkRecord[] {
		return [...this.#links.values()];
	}

	hasLink(id: string): boolean {
		return this.#links.has(id);
	}

	addLink(link: LinkRecord): void {
		if (this.#links.size >= MAX_KEPT) throw new RangeError(`at most ${MAX_KEPT} links at a time`);
		this.#links.set(link.id, link);
	}

	revoke(id: string, expires: number): void {
		this.#revoked.set(id, expires);
	}

	writeLate(): void {}

	isRevoked(id: string): boolean {
		return this.#revoked.has(id);
	}

	changed(): boolean {
		return false;
	}

	forgetExpired(now: number): void {
		for (const [id, expires] of this.#revoked) if (expires < now) this.#revoked.delete(id);
		for (const [id, { expires }] of this.#links) if (expires < now) this.#links.delete(id);
	}

	close(): void {}
}
