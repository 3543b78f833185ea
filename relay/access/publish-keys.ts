import { createHash, randomBytes, timingSafeEqual } from "node:crypto";
import { CAMERA_ID } from "#shared/protocol.ts";
import { listOf } from "./policy.ts";

const KEY_BYTES = 32; // 256 bits: nobody guesses that, so a fast hash is enough
const MAX_KEYS = 64; // of one agent: one for each of its cameras
const BEARER = /^Bearer +([A-Za-z0-9._~+/-]+=*)$/i; // RFC 6750 section 2.1

/** What is kept of a publish key: the camera it is for and the key's SHA-256 in hex. */
export interface StoredKey {
	camera: string;
	hash: string;
}

/** A new key for an agent. Only its hash is ever kept. */
export function newPublishKey(): string {
	return `sk_${randomBytes(KEY_BYTES).toString("base64url")}`;
}

export function hashOf(key: string): string {
	return createHash("sha256").update(key).digest("hex");
}

/** Takes as long for a wrong one as for a right one. */
export function isSameSecret(shown: string, known: string): boolean {
	return timingSafeEqual(Buffer.from(hashOf(shown), "hex"), Buffer.from(hashOf(known), "hex"));
}

/** Reads "bench-2:HASH, door:HASH"; a camera may stand there twice, while its key is being changed. Throws RangeError. */
export function parsePublishKeys(text: string): StoredKey[] {
	return listOf(text).map((part) => {
		const [camera = "", hash = ""] = part.split(":");
		if (!CAMERA_ID.test(camera)) throw new RangeError(`"${camera.slice(0, 20)}" is no camera id`);
		if (!/^[0-9a-f]{64}$/.test(hash))
			throw new RangeError(
				`camera ${camera}: expected the key's hash as "bun run relay key ${camera}" prints it`,
			);
		return { camera, hash };
	});
}

/** The keys an agent presents: several are joined by "~", which a bearer token may hold. */
export function presentedKeys(authorization: string | null): string[] {
	const token = BEARER.exec(authorization ?? "")?.[1];
	return token ? token.split("~", MAX_KEYS) : [];
}

/** The cameras that these keys open. Takes as long for a wrong key as for a right one. */
export function camerasOpened(stored: readonly StoredKey[], keys: readonly string[]): Set<string> {
	const opened = new Set<string>();
	const hashes = keys.map((key) => Buffer.from(hashOf(key), "hex"));
	for (const { camera, hash } of stored) {
		const known = Buffer.from(hash, "hex");
		for (const presented of hashes) if (timingSafeEqual(known, presented)) opened.add(camera);
	}
	return opened;
}
