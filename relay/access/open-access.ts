import { randomBytes } from "node:crypto";
import { wordsOf } from "#shared/log.ts";
import { ConfigError, type RelayConfig } from "../config.ts";
import { Access } from "./access.ts";
import { DiskRecords } from "./disk-records.ts";
import { missingFor } from "./exposure.ts";
import { Passwords } from "./passwords.ts";
import { Policy } from "./policy.ts";
import { MemoryRecords } from "./records.ts";
import { MIN_SECRET_BYTES } from "./tokens.ts";

const BUSY_MS = 50; // no picture moves meanwhile; a command writes for a few

/** Makes what decides who may do what; throws ConfigError while an exposed relay was not told all of it. */
export function openAccess({ access: given }: Pick<RelayConfig, "access">): Access {
	const disk = given.dataFolder === null ? null : openRecords(given.dataFolder);
	const missing = missingIn(given, disk?.keys().length ?? 0);
	if (missing !== null) {
		disk?.close();
		throw new ConfigError(missing);
	}
	// Without any, links and sign-ins last until the end of the process.
	const secret = given.secret ?? disk?.secret() ?? randomBytes(MIN_SECRET_BYTES);
	disk?.waitAtMost(BUSY_MS);
	return new Access(
		{
			policy: given.policy ?? new Policy("public"),
			publishKeys: given.publishKeys,
			passwords: new Passwords(given.passwords),
			secret,
			isExposed: given.isExposed,
			metricsToken: given.metricsToken,
		},
		disk ?? new MemoryRecords(),
	);
}

/** What an exposed relay still has to be told, with `keptKeys` keys in its DATA_DIR; null when nothing. */
function missingIn(given: RelayConfig["access"], keptKeys: number): string | null {
	if (!given.isExposed) return null;
	return missingFor(
		{
			hasPublishKeys: given.publishKeys.length > 0 || keptKeys > 0,
			hasViewers: given.policy !== null,
			needsSecret: !given.policy?.isPublic,
			hasSecret: given.secret !== null || given.dataFolder !== null,
			needsPassword: given.policy?.includes("sign-in") ?? true,
			hasPassword: given.passwords.length > 0,
		},
		given.exposedBy,
	);
}

/** The names of what `missingIn` says. */
export function namesMissingIn(given: RelayConfig["access"], keptKeys: number): string[] {
	return [...(missingIn(given, keptKeys) ?? "").matchAll(/^ {2}([A-Z_]+) /gm)].map(([, name]) => name!);
}

/** Opens a DATA_DIR; throws ConfigError when it cannot be used. */
export function openRecords(folder: string): DiskRecords {
	try {
		return new DiskRecords(folder);
	} catch (cause) {
		throw new ConfigError(`DATA_DIR=${folder}: cannot be used: ${wordsOf(cause)}`);
	}
}
