import type { Caller } from "./door.ts";

const SEPARATOR = "~"; // in no token, allowed in a cookie
const MAX_TOKENS = 6;
const MAX_BYTES = 4_096; // name, "=" and value: browsers drop a larger cookie whole, RFC 6265 section 6.1
const MAX_AGE_S = 30 * 24 * 3_600;

/** The tokens a browser keeps for this relay: links and a sign-in. */
export function sessionTokens(headers: Headers, caller: Caller): string[] {
	const wanted = nameFor(caller);
	for (const part of (headers.get("cookie") ?? "").split(";")) {
		const [name, value = ""] = part.trim().split("=", 2);
		if (name === wanted) return value.split(SEPARATOR, MAX_TOKENS).filter((token) => token !== "");
	}
	return [];
}

/**
 * The Set-Cookie header that makes a browser keep these tokens, newest first; none ends the session. The
 * oldest are left out where a browser would not keep them all. Scripts cannot
 * read it, other sites cannot send it, and over https it never goes out unencrypted.
 */
export function sessionCookie(tokens: readonly string[], caller: Caller): string {
	const name = nameFor(caller);
	const kept = tokens.slice(0, MAX_TOKENS);
	while (name.length + 1 + kept.join(SEPARATOR).length > MAX_BYTES) kept.pop();
	const value = kept.join(SEPARATOR);
	const age = value === "" ? 0 : MAX_AGE_S;
	const secure = caller.isHttps ? "; Secure" : "";
	return `${name}=${value}; Path=/; HttpOnly; SameSite=Strict; Max-Age=${age}${secure}`;
}

/** Cookies know no port: two relays on one machine must not take each other's. */
function nameFor({ isHttps, host }: Caller): string {
	if (isHttps) return "__Host-sightline";
	const port = /:(\d+)$/.exec(host)?.[1] ?? "80";
	return `sightline-${port}`;
}
