import { isStandalone, u16 } from "./jpeg-header.ts";

const START = Buffer.from([0xff, 0xd8, 0xff]);
const END = Buffer.from([0xff, 0xd9]);
const HEADER_BYTES = 1024; // before a JPEG, where its Content-Length may stand; longer part headers are not known
const PADDING_BYTES = 64; // that may follow the end marker within the announced length
const MAX_JPEG_BYTES = 16 * 1024 * 1024; // a 33 megapixel JPEG at quality 95

/**
 * Cuts JPEGs out of a multipart stream, trusting neither boundaries nor lengths: a picture ends where its own
 * markers say. A Content-Length that proves right saves the search. Memory is bounded by one picture.
 */
export class JpegCutter {
	/** Pictures begun but never properly ended. */
	broken = 0;
	#store = Buffer.alloc(64 * 1024);
	#bytes = this.#store.subarray(0, 0); // the part of the store not yet cut, always up to its newest byte
	#picture: { length: number | null; walker: Walker } | null = null;
	#lengthsLie = false;

	/** Takes the next bytes of the stream and returns the pictures complete by now; each is a copy of its own. */
	push(chunk: Uint8Array): Buffer[] {
		this.#append(chunk);
		const pictures: Buffer[] = [];
		while (this.#picture || this.#findStart()) {
			const end = this.#findEnd();
			if (end === "unknown") {
				if (this.#bytes.length <= MAX_JPEG_BYTES) break;
				this.#drop(this.#bytes.length);
			} else if (end.broken) {
				this.#drop(end.at);
			} else {
				pictures.push(Buffer.from(this.#bytes.subarray(0, end.at)));
				this.#advance(end.at);
			}
		}
		return pictures;
	}

	#append(chunk: Uint8Array): void {
		const length = this.#bytes.length + chunk.length;
		const from = this.#bytes.byteOffset - this.#store.byteOffset;
		if (from + length > this.#store.length) {
			const store = length > this.#store.length ? Buffer.alloc(2 * length) : this.#store;
			this.#bytes.copy(store);
			this.#store = store;
			this.#bytes = store.subarray(0, this.#bytes.length);
		}
		const start = this.#bytes.byteOffset - this.#store.byteOffset;
		this.#store.set(chunk, start + this.#bytes.length);
		this.#bytes = this.#store.subarray(start, start + length);
	}

	#findStart(): boolean {
		const at = this.#bytes.indexOf(START);
		if (at < 0) {
			this.#bytes = this.#bytes.subarray(Math.max(0, this.#bytes.length - HEADER_BYTES));
			return false;
		}
		const header = this.#bytes.toString("latin1", Math.max(0, at - HEADER_BYTES), at);
		const length = this.#lengthsLie ? null : announcedLength(header);
		this.#bytes = this.#bytes.subarray(at);
		this.#picture = { length, walker: new Walker() };
		return true;
	}

	#findEnd(): { at: number; broken: boolean } | "unknown" {
		const picture = this.#picture;
		if (!picture) return "unknown";
		if (picture.length !== null) {
			if (this.#bytes.length < picture.length) return "unknown";
			const tail = this.#bytes.subarray(Math.max(0, picture.length - PADDING_BYTES), picture.length);
			const end = tail.lastIndexOf(END);
			if (end >= 0) return { at: picture.length - tail.length + end + END.length, broken: false };
			this.#lengthsLie = true;
			picture.length = null;
		}
		return picture.walker.walk(this.#bytes);
	}

	#drop(bytes: number): void {
		this.broken++;
		this.#advance(bytes);
	}

	#advance(bytes: number): void {
		this.#bytes = this.#bytes.subarray(bytes);
		this.#picture = null;
	}
}

/** The last Content-Length before the blank line a part's body starts after; null when that is not what it is. */
function announcedLength(header: string): number | null {
	if (!/\r?\n\r?\n$/.test(header)) return null;
	const value = [...header.matchAll(/^content-length:[ \t]*(\d+)[ \t]*\r?$/gim)].at(-1)?.[1];
	const length = Number(value);
	return length > 0 && length <= MAX_JPEG_BYTES ? length : null;
}

/** Walks the markers of one JPEG (ITU-T T.81 B.1) from its start marker to its end, resuming as bytes arrive. */
class Walker {
	#at = 2;
	#entropy = false;

	walk(bytes: Buffer): { at: number; broken: boolean } | "unknown" {
		for (;;) {
			if (this.#entropy) {
				const next = bytes.indexOf(0xff, this.#at);
				this.#at = next < 0 ? bytes.length : next;
			}
			if (this.#at + 4 > bytes.length) {
				const isEnd = bytes[this.#at] === 0xff && bytes[this.#at + 1] === 0xd9;
				return isEnd ? { at: this.#at + 2, broken: false } : "unknown";
			}
			const marker = bytes[this.#at + 1] ?? 0;
			if (bytes[this.#at] !== 0xff) return { at: this.#at, broken: true };
			if (marker === 0xd9) return { at: this.#at + 2, broken: false };
			if (marker === 0xff) this.#at++;
			else if (this.#entropy && (marker === 0 || (marker >= 0xd0 && marker <= 0xd7))) this.#at += 2;
			else if (marker === 0xd8)
				return { at: this.#at, broken: true }; // the next picture began in this one
			else if (isStandalone(marker)) this.#at += 2;
			else {
				const length = u16(bytes, this.#at + 2);
				if (marker === 0 || length < 2) return { at: this.#at, broken: true };
				this.#at += 2 + length;
				this.#entropy = marker === 0xda;
			}
		}
	}
}
