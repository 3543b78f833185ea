export type LogFormat = "text" | "json";

type Fields = Record<string, string | number | boolean | null | undefined>;

let format: LogFormat = "text";

/** Sets how this process writes its log; called once, by main. */
export function setLogFormat(chosen: LogFormat): void {
	format = chosen;
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
		const write = level === "info" ? console.log : console.error;
		const time = new Date().toISOString();
		if (format === "json")
			return write(JSON.stringify({ time, level, room: this.#room, message, ...fields }));
		const details = Object.entries(fields)
			.filter(([, value]) => value !== undefined && value !== null)
			.map(([name, value]) => ` ${name}=${typeof value === "string" ? quoted(value) : value}`)
			.join("");
		const mark = level === "info" ? "" : `${level}: `;
		write(`${time.slice(11, 19)} ${this.#room.padEnd(5)} ${mark}${message}${details}`);
	}
}

/** For people: escapes nothing but line breaks and the like, which would forge a line of the log. */
function quoted(text: string): string {
	return /^[^\s"]+$/.test(text) ? text : JSON.stringify(text.replaceAll('"', "'"));
}

/** The words of whatever was thrown. */
export function wordsOf(cause: unknown): string {
	return cause instanceof Error ? cause.message : String(cause);
}
