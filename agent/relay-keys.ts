import { readFileSync } from "node:fs";

const KEY = /^[A-Za-z0-9._+/=-]{16,200}$/; // what a header takes, without the sign that joins several

/** What is wrong with a key, without the key. */
export const BAD_KEY = "expected a key as the relay's command printed it";

/** One key, or several with commas between. */
export function keysIn(text: string): string[] {
	return text
		.split(",")
		.map((key) => key.trim())
		.filter((key) => key !== "");
}

export function areKeys(text: string): boolean {
	return keysIn(text).every((key) => KEY.test(key));
}

/** Takes RELAY_KEY from the file that RELAY_KEY_FILE names, as containers hand secrets over; returns what went wrong. */
export function readKeyFile(given: Record<string, string | undefined>): string[] {
	const path = given.RELAY_KEY_FILE;
	if (path === undefined) return [];
	if (given.RELAY_KEY !== undefined) return ["RELAY_KEY and RELAY_KEY_FILE are both set"];
	try {
		given.RELAY_KEY = readFileSync(path, "utf8").trim();
		return [];
	} catch (cause) {
		return [`RELAY_KEY_FILE=${path}: cannot be read (${(cause as NodeJS.ErrnoException).code})`];
	}
}
