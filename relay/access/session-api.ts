import type { EntryRefusal, SessionReport } from "#shared/access.ts";
import { object, text } from "#shared/check.ts";
import { ProtocolError } from "#shared/errors.ts";
import { parseJson } from "#shared/protocol.ts";
import type { Access } from "./access.ts";
import { Attempts } from "./attempts.ts";
import { sessionCookie, sessionTokens } from "./cookie.ts";
import type { Caller } from "./door.ts";
import { BusyError, nameOfPassword } from "./passwords.ts";
import type { Presence } from "./presence.ts";
import type { Visitor } from "./visitor.ts";

const MAX_BODY_CHARS = 8_192;
const passwordBody = object({ password: text(1_024) });
const tokenBody = object({ token: text(4_096) });

const STATUS: Record<EntryRefusal, number> = {
	invalid: 401,
	expired: 401,
	revoked: 401,
	"wrong-password": 401,
	"too-many": 429,
	busy: 503,
};

/** `/api/session`: comes in by a link's token or a password, says who one is, and goes out. */
export class SessionApi {
	readonly #access: Access;
	readonly #presence: Presence;
	readonly #attempts = new Attempts();

	constructor(access: Access, presence: Presence) {
		this.#access = access;
		this.#presence = presence;
	}

	report(visitor: Visitor): Response {
		const report: SessionReport = {
			role: visitor.isOperator
				? "operator"
				: visitor.isSignedIn
					? "viewer"
					: visitor.passes.length > 0
						? "guest"
						: "visitor",
			expires: visitor.passes.length > 0 ? visitor.expires : null,
			canSignIn: !this.#access.passwords.isEmpty,
		};
		return Response.json(report);
	}

	/** Throws ProtocolError for a body that is neither `{token}` nor `{password}`. */
	async enter(request: Request, caller: Caller): Promise<Response> {
		const body = await readBody(request);
		const isToken = typeof body === "object" && body !== null && "token" in body;
		return isToken
			? await this.#byToken(tokenBody(body, "body").token, request.headers, caller)
			: await this.#byPassword(passwordBody(body, "body").password, request.headers, caller);
	}

	/** Forgets every token of this browser; its sign-in counts nowhere any more. */
	async leave(headers: Headers, caller: Caller): Promise<Response> {
		for (const token of sessionTokens(headers, caller)) {
			const fate = await this.#access.judge(token);
			if (fate.is === "valid" && fate.pass.is === "sign-in")
				this.#access.records.revoke(fate.pass.id, fate.pass.expires);
		}
		this.#presence.recheck();
		return new Response(null, { status: 204, headers: { "Set-Cookie": sessionCookie([], caller) } });
	}

	async #byToken(token: string, headers: Headers, caller: Caller): Promise<Response> {
		const fate = await this.#access.judge(token);
		if (fate.is === "invalid" || fate.pass.is !== "link") return refusal("invalid");
		// A link that no longer counts is kept too, so that the page's connection is told why.
		const cookie = await this.#cookie(token, headers, caller);
		if (fate.is !== "valid") return refusal(fate.is, cookie);
		this.#access.noteLink(fate.pass);
		return Response.json({ cameras: fate.pass.cameras }, { headers: { "Set-Cookie": cookie } });
	}

	async #byPassword(password: string, headers: Headers, caller: Caller): Promise<Response> {
		// Passwords alone: nobody guesses a token, and one who tries must not keep others out.
		if (!this.#attempts.take(caller.address, performance.now())) return refusal("too-many");
		try {
			const match = await this.#access.passwords.match(password);
			if (!match) return refusal("wrong-password");
			this.#attempts.giveBack(caller.address);
			const token = await this.#access.signIn(match.role, nameOfPassword(match));
			const cookie = await this.#cookie(token, headers, caller);
			return Response.json({ role: match.role }, { headers: { "Set-Cookie": cookie } });
		} catch (cause) {
			if (!(cause instanceof BusyError)) throw cause;
			this.#attempts.giveBack(caller.address);
			return refusal("busy");
		}
	}

	/** The browser's tokens with a new one before them; a new sign-in replaces the old. */
	async #cookie(added: string, headers: Headers, caller: Caller): Promise<string> {
		const isSignIn = (await this.#kindOf(added)) === "sign-in";
		const kept: string[] = [];
		for (const token of sessionTokens(headers, caller)) {
			const kind = await this.#kindOf(token);
			if (token !== added && kind !== null && !(isSignIn && kind === "sign-in")) kept.push(token);
		}
		return sessionCookie([added, ...kept], caller);
	}

	/** What a token is while it counts; null once it does not. */
	async #kindOf(token: string): Promise<"link" | "sign-in" | null> {
		const fate = await this.#access.judge(token);
		return fate.is === "valid" ? fate.pass.is : null;
	}
}

/** A small JSON body; throws ProtocolError when it is none, too large, or breaks off. */
export async function readBody(request: Request): Promise<unknown> {
	const body = await request.text().catch(() => {
		throw new ProtocolError("body: too large, or not all of it came");
	});
	return parseJson(body.slice(0, MAX_BODY_CHARS));
}

function refusal(reason: EntryRefusal, cookie?: string): Response {
	const headers = new Headers(cookie ? { "Set-Cookie": cookie } : {});
	if (STATUS[reason] !== 401) headers.set("Retry-After", "10");
	return Response.json({ error: reason }, { status: STATUS[reason], headers });
}
