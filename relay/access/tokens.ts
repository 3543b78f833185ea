import { randomBytes } from "node:crypto";
import { errors, type JWTPayload, jwtVerify, SignJWT } from "jose";
import { CAMERA_ID } from "#shared/protocol.ts";

const ALGORITHM = "HS256";
const ISSUER = "sightline";
const AUDIENCES = ["link", "sign-in"];
const ID_BYTES = 12;
const MAX_TOKEN_CHARS = 4_096; // more than a link to as many cameras with the longest ids takes
/** What one link may open: its token has to fit into a cookie. */
export const MAX_LINK_CAMERAS = 32;

/** Signs nothing weaker than its hash: HMAC with SHA-256 wants 256 bits (RFC 7518 section 3.2). */
export const MIN_SECRET_BYTES = 32;

export type Role = "viewer" | "operator";

/** What a valid token says. `expires`: ms since the Unix epoch. */
export type Pass =
	| { is: "link"; id: string; expires: number; cameras: readonly string[] }
	/** `password` names the one signed in with, so that taking it away ends its sign-ins. */
	| { is: "sign-in"; id: string; expires: number; role: Role; password: string };

/** A token's fate. An expired one was ours once: it is no attack. */
export type Verdict = { is: "valid"; pass: Pass } | { is: "expired"; pass: Pass } | { is: "invalid" };

export function newTokenId(): string {
	return randomBytes(ID_BYTES).toString("base64url");
}

/** Signs a pass as a JWT (RFC 7519). */
export async function signPass(pass: Pass, secret: Uint8Array): Promise<string> {
	const claims: JWTPayload =
		pass.is === "link" ? { cameras: [...pass.cameras] } : { role: pass.role, password: pass.password };
	return await new SignJWT(claims)
		.setProtectedHeader({ alg: ALGORITHM })
		.setIssuer(ISSUER)
		.setAudience(pass.is)
		.setJti(pass.id)
		.setIssuedAt()
		.setExpirationTime(Math.floor(pass.expires / 1000))
		.sign(secret);
}

/** Says whether a token is ours, whole and in time. Never throws for what is in it. */
export async function verifyToken(token: string, secret: Uint8Array, now: Date): Promise<Verdict> {
	if (!isCanonical(token)) return { is: "invalid" };
	try {
		const { payload } = await jwtVerify(token, secret, {
			algorithms: [ALGORITHM],
			issuer: ISSUER,
			audience: AUDIENCES,
			requiredClaims: ["exp", "iat", "jti"],
			currentDate: now,
		});
		const pass = passOf(payload);
		return pass ? { is: "valid", pass } : { is: "invalid" };
	} catch (cause) {
		if (!(cause instanceof errors.JWTExpired)) return { is: "invalid" };
		const pass = passOf(cause.payload); // the signature was looked at first
		return pass ? { is: "expired", pass } : { is: "invalid" };
	}
}

/** Base64 decoders forgive unused bits and blanks: without this, other spellings of a token would be as good. */
function isCanonical(token: string): boolean {
	if (token.length > MAX_TOKEN_CHARS) return false;
	const parts = token.split(".");
	return (
		parts.length === 3 &&
		parts.every((part) => part !== "" && Buffer.from(part, "base64url").toString("base64url") === part)
	);
}

function passOf({ aud, jti, exp, cameras, role, password }: JWTPayload): Pass | null {
	if (typeof jti !== "string" || typeof exp !== "number") return null;
	const base = { id: jti, expires: exp * 1000 };
	if (aud === "link") {
		const isList = Array.isArray(cameras) && cameras.length > 0 && cameras.length <= MAX_LINK_CAMERAS;
		if (!isList || !cameras.every((id) => typeof id === "string" && CAMERA_ID.test(id))) return null;
		return { is: "link", ...base, cameras };
	}
	if (aud !== "sign-in" || (role !== "viewer" && role !== "operator")) return null;
	return typeof password === "string" ? { is: "sign-in", ...base, role, password } : null;
}
