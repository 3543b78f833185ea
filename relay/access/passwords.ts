import { createHash } from "node:crypto";
import { listOf } from "./policy.ts";
import type { Role } from "./tokens.ts";

// OWASP's second choice for argon2id: 19 MiB and two passes, so that two at once are no load.
const COST = { algorithm: "argon2id", memoryCost: 19_456, timeCost: 2 } as const;
const AT_ONCE = 2;
const MAX_WAITING = 20;
const MAX_PASSWORDS = 8; // each sign-in is held against all of them
export const MIN_PASSWORD_CHARS = 10;
const MAX_PASSWORD_BYTES = 1_024;

export interface StoredPassword {
	role: Role;
	/** PHC string of argon2id. */
	hash: string;
}

/** Too many people sign in at once. */
export class BusyError extends Error {
	override readonly name = "BusyError";
}

/** What PASSWORDS takes: in base64url, because a PHC string has commas and dollars that shells and compose files eat. */
export async function hashPassword(password: string): Promise<string> {
	return Buffer.from(await Bun.password.hash(password, COST)).toString("base64url");
}

/** Reads "operator:HASH, viewer:HASH". Throws RangeError with what is wrong, never with the hash. */
export function parsePasswords(text: string): StoredPassword[] {
	const passwords = listOf(text).map((part) => {
		const [role = "", encoded = ""] = part.split(":");
		if (role !== "viewer" && role !== "operator")
			throw new RangeError(`expected viewer:HASH or operator:HASH, got "${role.slice(0, 12)}:..."`);
		const hash = Buffer.from(encoded, "base64url").toString();
		if (!hash.startsWith("$argon2id$"))
			throw new RangeError(`${role}: expected the hash as "bun run relay password" prints it`);
		return { role, hash } as const;
	});
	if (passwords.length > MAX_PASSWORDS) throw new RangeError(`at most ${MAX_PASSWORDS} passwords`);
	return passwords;
}

/** Names a password without telling it: what a sign-in is bound to. */
export function nameOfPassword({ hash }: StoredPassword): string {
	return createHash("sha256").update(hash).digest("base64url").slice(0, 16);
}

/** Checks passwords, a few at a time: a hash takes 19 MiB and tens of milliseconds by design. */
export class Passwords {
	readonly #stored: readonly StoredPassword[];
	readonly #names: ReadonlySet<string>; // with their roles; asked for every second of every connection
	#running = 0;
	readonly #waiting: (() => void)[] = [];

	constructor(stored: readonly StoredPassword[]) {
		this.#stored = stored;
		this.#names = new Set(stored.map((password) => `${password.role} ${nameOfPassword(password)}`));
	}

	get isEmpty(): boolean {
		return this.#stored.length === 0;
	}

	has(role: Role): boolean {
		return this.#stored.some((password) => password.role === role);
	}

	/** Whether a sign-in's password still counts for its role. */
	knows(name: string, role: Role): boolean {
		return this.#names.has(`${role} ${name}`);
	}

	/** The first stored password it is, or null. Throws BusyError when too many wait. */
	async match(password: string): Promise<StoredPassword | null> {
		if (Buffer.byteLength(password) > MAX_PASSWORD_BYTES) return null;
		await this.#enter();
		try {
			let found: StoredPassword | null = null;
			// All of them, also after a match: the time says nothing.
			for (const stored of this.#stored)
				if ((await Bun.password.verify(password, stored.hash)) && !found) found = stored;
			return found;
		} finally {
			const next = this.#waiting.shift();
			if (next) next();
			else this.#running--;
		}
	}

	async #enter(): Promise<void> {
		if (this.#running < AT_ONCE) {
			this.#running++;
			return;
		}
		if (this.#waiting.length >= MAX_WAITING) throw new BusyError("too many sign in at once");
		await new Promise<void>((resolve) => this.#waiting.push(resolve)); // the one that leaves hands its place over
	}
}
