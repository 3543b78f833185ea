export interface Credentials {
	name: string;
	password: string;
}

/**
 * The Authorization header that answers a WWW-Authenticate `challenge`, or null when it asks for something else than
 * Basic (RFC 7617) or Digest with MD5 or SHA-256 (RFC 7616), the two cameras use.
 */
export function authorization(
	challenge: string,
	user: Credentials,
	request: { method: string; path: string },
): string | null {
	const digest = /\bdigest\s+(.*)/is.exec(challenge)?.[1];
	if (digest !== undefined) return digestAnswer(fieldsOf(digest), user, request);
	if (!/\bbasic\b/i.test(challenge)) return null;
	return `Basic ${Buffer.from(`${user.name}:${user.password}`).toString("base64")}`;
}

function digestAnswer(
	fields: ReadonlyMap<string, string>,
	user: Credentials,
	{ method, path }: { method: string; path: string },
): string | null {
	const algorithm = fields.get("algorithm") ?? "MD5";
	const hashName = { MD5: "md5", "SHA-256": "sha256" }[algorithm.toUpperCase()];
	const realm = fields.get("realm");
	const nonce = fields.get("nonce");
	const qop = fields.get("qop");
	const hasAuth = qop === undefined || qop.split(",").some((value) => value.trim() === "auth");
	if (!hashName || realm === undefined || nonce === undefined || !hasAuth) return null;
	const hash = (text: string) =>
		new Bun.CryptoHasher(hashName as "md5" | "sha256").update(text).digest("hex");
	const secret = hash(`${user.name}:${realm}:${user.password}`);
	const asked = hash(`${method}:${path}`);
	const cnonce = crypto.randomUUID();
	const count = "00000001";
	const middle = qop === undefined ? nonce : `${nonce}:${count}:${cnonce}:auth`;
	const parts = [
		`username="${quoted(user.name)}"`,
		`realm="${quoted(realm)}"`,
		`nonce="${quoted(nonce)}"`,
		`uri="${path}"`,
		`algorithm=${algorithm}`,
		`response="${hash(`${secret}:${middle}:${asked}`)}"`,
	];
	if (qop !== undefined) parts.push("qop=auth", `nc=${count}`, `cnonce="${cnonce}"`);
	const opaque = fields.get("opaque");
	if (opaque !== undefined) parts.push(`opaque="${quoted(opaque)}"`);
	return `Digest ${parts.join(", ")}`;
}

/** name=value and name="quoted value", comma separated. */
function fieldsOf(text: string): Map<string, string> {
	const fields = new Map<string, string>();
	for (const [, name = "", inQuotes, plain] of text.matchAll(
		/([a-z]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,]+))/gi,
	)) {
		const value = inQuotes?.replace(/\\(.)/g, "$1") ?? plain ?? "";
		if (!fields.has(name.toLowerCase())) fields.set(name.toLowerCase(), value);
	}
	return fields;
}

function quoted(value: string): string {
	return value.replace(/["\\]/g, "\\$&");
}
