/** One part of a multipart body. */
export interface Part {
	/** Names in lower case. */
	headers: Record<string, string>;
	body: Buffer;
}

const CRLF = Buffer.from("\r\n");
const BLANK = Buffer.from("\r\n\r\n");

/**
 * Reads a multipart/x-mixed-replace answer strictly (RFC 2046 section 5.1.1): throws on anything that is not a
 * boundary, headers, or a body of exactly Content-Length. Ends when the body ends or the signal of the request aborts.
 */
export async function* partsOf(response: Response): AsyncGenerator<Part, void> {
	const boundary = /^multipart\/x-mixed-replace; boundary=(\w+)$/.exec(
		response.headers.get("Content-Type") ?? "",
	)?.[1];
	if (!boundary) throw new Error(`not multipart: ${response.status} ${await response.text()}`);
	const chunks = response.body!.getReader();
	let rest = Buffer.alloc(0);
	/** Takes `bytes` off the front; null when the body ends first. */
	const take = async (bytes: number): Promise<Buffer | null> => {
		while (rest.length < bytes) {
			const { value, done } = await chunks.read();
			if (done) return null;
			rest = Buffer.concat([rest, value]);
		}
		const taken = rest.subarray(0, bytes);
		rest = rest.subarray(bytes);
		return taken;
	};
	const expect = async (wanted: Buffer) => {
		const got = await take(wanted.length);
		if (got && !got.equals(wanted)) throw new Error(`expected ${wanted}, got ${got}`);
		return got !== null;
	};
	const headers = async (): Promise<Record<string, string> | null> => {
		while (rest.indexOf(BLANK) < 0) {
			const { value, done } = await chunks.read();
			if (done) return null;
			rest = Buffer.concat([rest, value]);
		}
		const lines = (await take(rest.indexOf(BLANK)))!.toString("latin1").split("\r\n");
		await expect(BLANK);
		return Object.fromEntries(
			lines.map((line) => {
				const [, name, value] = /^([\w-]+): (.*)$/.exec(line) ?? [];
				if (!name) throw new Error(`not a header: ${line}`);
				return [name.toLowerCase(), value!];
			}),
		);
	};
	const delimiter = Buffer.from(`--${boundary}\r\n`);
	if (!(await expect(delimiter))) return;
	for (;;) {
		const head = await headers();
		if (!head) return;
		const length = Number(head["content-length"]);
		if (!Number.isInteger(length) || length < 1) throw new Error(`Content-Length: ${head["content-length"]}`);
		const body = await take(length);
		if (!body || !(await expect(CRLF)) || !(await expect(delimiter))) return;
		yield { headers: head, body: Buffer.from(body) };
	}
}

/** A stream as a program reads it: strictly, part by part. */
export class MultipartReader implements AsyncDisposable {
	response!: Response;
	readonly #leaving = new AbortController();
	#parts!: AsyncGenerator<Part, void>;

	static async open(url: string, headers: Record<string, string> = {}): Promise<MultipartReader> {
		const reader = new MultipartReader();
		reader.response = await fetch(url, { headers, signal: reader.#leaving.signal });
		reader.#parts = partsOf(reader.response);
		return reader;
	}

	/** The next part; null when the stream has ended. */
	async next(): Promise<Part | null> {
		return (await this.#parts.next()).value ?? null;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.#leaving.abort();
	}
}
