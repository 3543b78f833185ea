import { readFileSync } from "node:fs";

/** How many connections a relay takes where nothing else limits them. */
export const MOST_CONNECTIONS = 10_000;
const KEPT = 64; // for everything that is no connection
const UNKNOWN = 1_024;

/** How many connections fit under the process's limit of open files: at the limit itself nothing works any more. */
export function defaultConnections(): number {
	return Math.max(1, Math.min(MOST_CONNECTIONS, openFilesLimit() - KEPT));
}

/** How many files this process may have open at once. */
export function openFilesLimit(): number {
	try {
		const limits = readFileSync("/proc/self/limits", "utf8");
		return Number(/^Max open files\s+(\d+)/m.exec(limits)?.[1] ?? UNKNOWN);
	} catch {
		return process.platform === "linux" ? UNKNOWN : MOST_CONNECTIONS;
	}
}
