import { closeSync, openSync } from "node:fs";

/**
 * Calls `reload` on SIGHUP, or `end` where it says that the terminal this was started from is gone, which ends a
 * program by custom.
 */
export function onHangup({ reload, end }: { reload: () => void; end: () => void }): void {
	const hadTerminal = hasTerminal();
	process.on("SIGHUP", () => (hadTerminal && !hasTerminal() ? end() : reload()));
}

function hasTerminal(): boolean {
	try {
		closeSync(openSync("/dev/tty", "r"));
		return true;
	} catch {
		return false;
	}
}
