import type { RelayedFrame } from "../camera.ts";

const BOUNDARY = "frame";
const text = new TextEncoder();

/** Media type of the whole body. */
export const MULTIPART_TYPE = `multipart/x-mixed-replace; boundary=${BOUNDARY}`;

/** How frames become the parts of a body; a part is made once for all who watch the same rendition. */
export class Framing {
	/** Precedes the first part. */
	readonly opening: Uint8Array;
	readonly #headersOf: (frame: RelayedFrame) => string;
	readonly #closing: Uint8Array;
	readonly #parts = new WeakMap<RelayedFrame, Uint8Array>();

	/** `headersOf` stands before each picture; `ahead` are headers that follow its boundary already. */
	constructor(headersOf: (frame: RelayedFrame) => string, ahead: string) {
		this.#headersOf = headersOf;
		this.opening = text.encode(`--${BOUNDARY}\r\n${ahead}`);
		this.#closing = text.encode(`\r\n--${BOUNDARY}\r\n${ahead}`);
	}

	/** A frame with everything a reader must have seen to show it. */
	partOf(frame: RelayedFrame): Uint8Array {
		const made = this.#parts.get(frame);
		if (made) return made;
		const { body } = frame;
		const head = text.encode(this.#headersOf(frame));
		const part = new Uint8Array(head.length + body.length + this.#closing.length);
		part.set(head);
		part.set(body, head.length);
		part.set(this.#closing, head.length + body.length);
		this.#parts.set(frame, part);
		return part;
	}
}

/** Each part with its length and capture time (Unix seconds, as mjpg-streamer writes it). */
const FOR_PROGRAMS = new Framing(
	({ header, body }) =>
		`Content-Type: image/jpeg\r\nContent-Length: ${body.length}\r\nX-Timestamp: ${(header.captureTime / 1_000).toFixed(6)}\r\n\r\n`,
	"",
);

/**
 * Chromium shows a part when it has the headers of the next one: a whole frame late, and a first one alone never. So
 * they are sent ahead, when the next picture's length and time are not known yet.
 */
const FOR_BLINK = new Framing(() => "", "Content-Type: image/jpeg\r\n\r\n");

/** The framing that shows a picture at once in this client. */
export function framingFor(userAgent: string | null): Framing {
	return /AppleWebKit\//.test(userAgent ?? "") ? FOR_BLINK : FOR_PROGRAMS;
}
