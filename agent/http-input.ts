import { authorization } from "./http-auth.ts";
import { type Limits, silenceWords } from "./limits.ts";
import { Patience } from "./patience.ts";
import { SourceError, type SourceErrorReason } from "./source-error.ts";
import { redact } from "./source-spec.ts";

const STATUS_REASONS: Readonly<Record<number, SourceErrorReason>> = {
	401: "permission",
	403: "permission",
	404: "not-found",
	410: "not-found",
	429: "busy",
	503: "busy",
};

const CODE_WORDS: Readonly<Record<string, string>> = {
	ECONNREFUSED: "connection refused",
	ECONNRESET: "connection reset",
	ENOTFOUND: "host not found",
	EHOSTUNREACH: "host unreachable",
	ENETUNREACH: "network unreachable",
};

/**
 * The body of an MJPEG stream, chunk by chunk, until the server ends it or the signal aborts. User and password in
 * the URL are used for Basic or Digest. Throws SourceError, "timed-out" when no byte comes for too long.
 */
export async function* openHttp(
	url: string,
	signal: AbortSignal,
	{ openMs, silenceMs }: Limits,
): AsyncGenerator<Uint8Array, void> {
	const name = redact(url);
	const connection = new AbortController();
	const stop = () => connection.abort();
	let late: string | null = null;
	const giveUp = (message: string) => {
		late = message;
		connection.abort();
	};
	let patience = setTimeout(() => giveUp(`did not answer within ${openMs / 1000} s`), openMs);
	signal.addEventListener("abort", stop);
	if (signal.aborted) stop();
	try {
		const response = await request(url, connection.signal);
		clearTimeout(patience);
		checkAnswer(response, name);
		const silence = new Patience(silenceMs);
		const wait = () => {
			const { ms } = silence;
			patience = setTimeout(() => giveUp(silenceWords(ms)), ms);
		};
		wait();
		const reader = response.body?.getReader();
		for (;;) {
			const chunk = await reader?.read();
			if (!chunk || chunk.done) return;
			clearTimeout(patience);
			silence.heard(performance.now());
			wait();
			yield chunk.value;
		}
	} catch (error) {
		if (signal.aborted) return;
		if (error instanceof SourceError) throw error;
		if (late !== null) throw new SourceError("timed-out", `${name}: ${late}`);
		throw new SourceError("refused", `${name}: ${wordsFor(error)}`);
	} finally {
		clearTimeout(patience);
		signal.removeEventListener("abort", stop);
		connection.abort();
	}
}

/** Bun's own words for the common failures are advice to programmers. */
function wordsFor(error: unknown): string {
	const { code, message } = error as { code?: unknown; message?: unknown };
	return CODE_WORDS[String(code)] ?? String(message ?? error);
}

async function request(address: string, signal: AbortSignal): Promise<Response> {
	const url = new URL(address);
	const user = { name: decodeURIComponent(url.username), password: decodeURIComponent(url.password) };
	url.username = "";
	url.password = "";
	const headers: Record<string, string> = {
		accept: "multipart/x-mixed-replace, */*",
		"accept-encoding": "identity",
	};
	const response = await fetch(url, { headers, signal, keepalive: false });
	if (response.status !== 401 || user.name === "") return response;
	const challenge = response.headers.get("www-authenticate") ?? "";
	const answer = authorization(challenge, user, { method: "GET", path: url.pathname + url.search });
	await response.body?.cancel();
	if (!answer) return response;
	return await fetch(url, { headers: { ...headers, authorization: answer }, signal, keepalive: false });
}

function checkAnswer(response: Response, name: string): void {
	if (!response.ok) {
		const reason = STATUS_REASONS[response.status] ?? "refused";
		throw new SourceError(reason, `${name}: answered ${response.status} ${response.statusText}`);
	}
	const type = response.headers.get("content-type") ?? "";
	const isStill = type.startsWith("image/") && response.headers.has("content-length");
	if (isStill || /^(text|video|audio|application\/(json|xml|.*mpegurl))/.test(type)) {
		throw new SourceError("unsupported", `${name}: answered ${type}, not an MJPEG stream`);
	}
}
