import { type DescriptorWriter, LogQueue } from "./log-queue.ts";

export type LogFormat = "text" | "json";

type Fields = Record<string, string | number | boolean | null | undefined>;

const STDOUT = 1;
const STDERR = 2;
const FLUSH_MS = 500;

let format: LogFormat = "text";
let queue: LogQueue | null = null;

/** Sets how this process writes its log; called once, by main. */
export function setLogFormat(chosen: LogFormat): void {
	format = chosen;
}

/**
 * From now on lines are written in the background; called once, by main. Without it they go to the console, which
 * waits for its reader: whoever does not read a pipe would stop the whole process.
 */
export function logThrough(write: DescriptorWriter): void {
	queue = new LogQueue(write);
}

/** Call before the process ends; waits half a second at most. */
export async function flushLog(): Promise<void> {
	await queue?.flush(FLUSH_MS);
}

/**
 * Writes one line per step in a lifecycle. Nothing that can happen per frame is logged: it is counted.
 * Messages must be free of secrets: nothing is redacted here.
 */
export class Log {
	readonly #room: string;

	constructor(room: string) {
		this.#room = room;
	}

	info(message: string, fields: Fields = {}): void {
		this.#write("info", message, fields);
	}

	warn(message: string, fields: Fields = {}): void {
		this.#write("warn", message, fields);
	}

	error(message: string, fields: Fields = {}): void {
		this.#write("error", message, fields);
	}

	#write(level: "info" | "warn" | "error", message: string, fields: Fields): void {
		const time = new Date().toISOString();
		if (format === "json")
			return put(level, JSON.stringify({ time, level, room: this.#room, message, ...fields }));
		const details = Object.entries(fields)
			.filter(([, value]) => value !== undefined && value !== null)
			.map(([name, value]) => ` ${name}=${typeof value === "string" ? quoted(value) : value}`)
			.join("");
		const mark = level === "info" ? "" : `${level}: `;
		put(level, `${time.slice(11, 19)} ${this.#room.padEnd(5)} ${mark}${message}${details}`);
	}
}

function put(level: "info" | "warn" | "error", line: string): void {
	if (queue) queue.offer(level === "info" ? STDOUT : STDERR, line);
	else if (level === "info") console.log(line);
	else console.error(line);
}

/** For people: escapes nothing but line breaks and the like, which would forge a line of the log. */
function quoted(text: string): string {
	return /^[^\s"]+$/.test(text) ? text : JSON.stringify(text.replaceAll('"', "'"));
}

/** The words of whatever was thrown. */
export function wordsOf(cause: unknown): string {
	return cause instanceof Error ? cause.message : String(cause);
}
