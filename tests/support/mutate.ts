import vectors from "#shared/vectors.json";

const ODD_VALUES: readonly unknown[] = [
	null,
	true,
	-1,
	0.5,
	2 ** 53,
	1e308,
	"",
	"0",
	"\u0000\ud800",
	"x".repeat(300),
	[],
	{},
	[[[]]],
	{ __proto__: null, constructor: 1 },
];
const PATHS = ["/", "/api/cameras", "/api/cameras/bench", "/healthz", "/readyz", "/watch", "/publish"];
const METHODS = ["GET", "POST", "HEAD", "OPTIONS", "PUT", "TRACE", "GE\u0000T"];

/** A message for a WebSocket. */
export type Message = string | Uint8Array<ArrayBuffer>;

/** Makes broken messages out of whole ones; the same seed makes the same ones. */
export class Mutator {
	#state: number;

	/** `seed`: a whole number. */
	constructor(seed: number) {
		this.#state = seed >>> 0;
	}

	/** 0 to below 1 (mulberry32). */
	random(): number {
		this.#state = (this.#state + 0x6d2b79f5) >>> 0;
		let t = this.#state;
		t = Math.imul(t ^ (t >>> 15), t | 1);
		t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
		return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
	}

	/** A whole number below `most`. */
	below(most: number): number {
		return Math.floor(this.random() * most);
	}

	/** What an agent or a viewer could have meant to say. */
	message(who: "agent" | "viewer"): Message {
		if (this.random() < 0.4) return this.bytes(Uint8Array.fromHex(this.#pick(vectors.binary).hex));
		const whole = structuredClone(this.#pick<object>(vectors.text[who])) as Record<string, unknown>;
		if (this.random() < 0.7) return JSON.stringify(this.#odd(whole));
		return new TextDecoder().decode(this.bytes(new TextEncoder().encode(JSON.stringify(whole))));
	}

	/** The same bytes with some of them changed, missing or doubled. */
	bytes(whole: Uint8Array): Uint8Array<ArrayBuffer> {
		const bytes = new Uint8Array(whole);
		for (let changes = 1 + this.below(4); changes > 0 && bytes.length > 0; changes--)
			bytes[this.below(bytes.length)] =
				this.random() < 0.5 ? this.#pick([0, 1, 127, 128, 254, 255]) : this.below(256);
		const cut = this.below(bytes.length + 1);
		switch (this.below(4)) {
			case 0:
				return bytes.slice(0, cut);
			case 1:
				return Uint8Array.from([...bytes.subarray(0, 2_000), ...bytes.subarray(0, cut)]);
			default:
				return bytes;
		}
	}

	/** A request as it stands on the wire; the connection is to be closed by the server. */
	request(): Uint8Array<ArrayBuffer> {
		const path =
			this.#pick(PATHS) + this.#pick(["", "?x=%", "%2f..%2f", "/%00", `/${"a".repeat(this.below(3_000))}`]);
		const headers = [
			"Host: 127.0.0.1",
			`Connection: ${this.#pick(["close", "Upgrade", "keep-alive, close"])}`,
			`Upgrade: ${this.#pick(["websocket", "h2c", ""])}`,
			`Sec-WebSocket-Key: ${this.#pick(["", "dGhlIHNhbXBsZSBub25jZQ==", "x".repeat(100)])}`,
			`Sec-WebSocket-Version: ${this.#pick(["13", "8", "-1"])}`,
			`Content-Length: ${this.#pick(["0", "-1", "5", "99999999999999999999"])}`,
		].filter(() => this.random() < 0.8);
		const text = `${this.#pick(METHODS)} ${path} HTTP/1.1\r\n${headers.join("\r\n")}\r\n\r\n`;
		const bytes = new TextEncoder().encode(text);
		return this.random() < 0.5 ? bytes : this.bytes(bytes);
	}

	/** Puts an odd value somewhere into a message. */
	#odd(value: Record<string, unknown>): unknown {
		let place: Record<string, unknown> = value;
		for (;;) {
			const key = this.#pick(Object.keys(place));
			const inside = place[key];
			const goesOn = typeof inside === "object" && inside !== null && Object.keys(inside).length > 0;
			if (goesOn && this.random() < 0.8) {
				place = inside as Record<string, unknown>;
				continue;
			}
			if (this.random() < 0.2) delete place[key];
			else place[key] = this.random() < 0.5 ? this.#pick(ODD_VALUES) : this.below(2 ** 31);
			return value;
		}
	}

	#pick<T>(list: readonly T[]): T {
		return list[this.below(list.length)]!;
	}
}
