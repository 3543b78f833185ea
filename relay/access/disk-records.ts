import { Database } from "bun:sqlite";
import { randomBytes } from "node:crypto";
import { chmodSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import type { StoredKey } from "./publish-keys.ts";
import type { LinkRecord, Records } from "./records.ts";
import { MIN_SECRET_BYTES } from "./tokens.ts";

/** The file in a DATA_DIR. */
export const DATA_FILE = "access.sqlite";
const PATIENCE_MS = 2_000; // others (the relay, a command, a backup) write to the same file
const VERSION = 1;
const SCHEMA = `
	CREATE TABLE IF NOT EXISTS keys (hash TEXT PRIMARY KEY, camera TEXT NOT NULL, created INTEGER NOT NULL) STRICT;
	CREATE TABLE IF NOT EXISTS links (id TEXT PRIMARY KEY, label TEXT NOT NULL, cameras TEXT NOT NULL,
		created INTEGER NOT NULL, expires INTEGER NOT NULL) STRICT;
	CREATE TABLE IF NOT EXISTS revoked (id TEXT PRIMARY KEY, expires INTEGER NOT NULL) STRICT;
	CREATE TABLE IF NOT EXISTS secrets (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;`;

type LinkRow = Omit<LinkRecord, "cameras"> & { cameras: string };

/**
 * Keeps keys, links and revocations in a folder. What a method has returned from survives the end of the process and
 * of the machine's power: SQLite with a write-ahead log, synchronised on every commit.
 */
export class DiskRecords implements Records {
	readonly isLasting = true;
	readonly #db: Database;
	#revoked = new Set<string>(); // asked for every second of every connection: not from disk
	readonly #unwritten = new Map<string, number>(); // revocations the disk would not take, and when each may be forgotten
	#seenVersion = 0;

	/** Opens or makes the folder's file; throws Error when it cannot. */
	constructor(folder: string) {
		mkdirSync(folder, { recursive: true, mode: 0o700 });
		const path = join(folder, DATA_FILE);
		this.#db = new Database(path, { create: true, strict: true });
		chmodSync(path, 0o600);
		this.waitAtMost(PATIENCE_MS);
		this.#db.run("PRAGMA journal_mode = WAL");
		this.#db.run("PRAGMA synchronous = FULL");
		const { user_version } = this.#db.query("PRAGMA user_version").get() as { user_version: number };
		if (user_version > VERSION) throw new Error(`${path} was written by a newer version of this program`);
		this.#db.run(SCHEMA);
		this.#db.run(`PRAGMA user_version = ${VERSION}`);
		this.#read();
		this.changed();
	}

	/** How long a method may hold everything up while somebody else writes; then it throws SQLiteError. 2 s at first. */
	waitAtMost(ms: number): void {
		this.#db.run(`PRAGMA busy_timeout = ${ms}`);
	}

	/** The folder's own secret for signing, made at its first use. */
	secret(): Uint8Array {
		const insert = this.#db.query("INSERT OR IGNORE INTO secrets (name, value) VALUES ('signing', ?)");
		insert.run(randomBytes(MIN_SECRET_BYTES));
		const row = this.#db.query("SELECT value FROM secrets WHERE name = 'signing'").get();
		return (row as { value: Uint8Array }).value;
	}

	keys(): readonly StoredKey[] {
		return this.#db.query("SELECT camera, hash FROM keys").all() as StoredKey[];
	}

	/** Keeps a key's hash; `isOnly` takes the camera's other keys away. */
	addKey({ camera, hash }: StoredKey, now: number, isOnly: boolean): void {
		this.#db.transaction(() => {
			if (isOnly) this.#db.query("DELETE FROM keys WHERE camera = ?").run(camera);
			this.#db.query("INSERT INTO keys (hash, camera, created) VALUES (?, ?, ?)").run(hash, camera, now);
		})();
	}

	links(): readonly LinkRecord[] {
		const rows = this.#db
			.query("SELECT id, label, cameras, created, expires FROM links ORDER BY created")
			.all();
		return (rows as LinkRow[]).map((row) => ({ ...row, cameras: row.cameras.split(" ") }));
	}

	hasLink(id: string): boolean {
		return this.#db.query("SELECT 1 FROM links WHERE id = ?").get(id) !== null;
	}

	addLink({ id, label, cameras, created, expires }: LinkRecord): void {
		this.#db
			.query("INSERT INTO links (id, label, cameras, created, expires) VALUES (?, ?, ?, ?, ?)")
			.run(id, label, cameras.join(" "), created, expires);
	}

	revoke(id: string, expires: number): void {
		this.#unwritten.set(id, expires); // also where the disk is full: it counts at least until the restart
		this.#db.query("INSERT OR IGNORE INTO revoked (id, expires) VALUES (?, ?)").run(id, expires);
		this.#unwritten.delete(id);
		this.#revoked.add(id);
	}

	writeLate(): void {
		for (const [id, expires] of this.#unwritten) this.revoke(id, expires);
	}

	isRevoked(id: string): boolean {
		return this.#revoked.has(id) || this.#unwritten.has(id);
	}

	changed(): boolean {
		const row = this.#db.query("PRAGMA data_version").get() as { data_version: number };
		if (row.data_version === this.#seenVersion) return false;
		this.#read();
		this.#seenVersion = row.data_version;
		return true;
	}

	forgetExpired(now: number): void {
		this.#db.query("DELETE FROM revoked WHERE expires < ?").run(now);
		this.#db.query("DELETE FROM links WHERE expires < ?").run(now);
		this.#read();
	}

	close(): void {
		this.#db.close();
	}

	#read(): void {
		const rows = this.#db.query("SELECT id FROM revoked").all() as { id: string }[];
		this.#revoked = new Set(rows.map(({ id }) => id));
	}
}
