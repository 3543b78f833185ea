import type { EntryRefusal, SessionReport } from "#shared/access.ts";
import { TOKEN_FRAGMENT } from "#shared/access.ts";

const PATIENCE_MS = 8_000; // a password takes up to a second or two where many sign in at once

/** Whether an address is the operator page's. */
export function isOperatorPage(href: string): boolean {
	return /\/operator\/?$/.test(new URL(href).pathname);
}

/** An address of the relay's HTTP interface, beside the page, wherever that is served. */
export function apiUrl(path: string): URL {
	const page = new URL(location.href);
	page.pathname = page.pathname.replace(/operator\/?$/, "");
	page.search = page.hash = "";
	return new URL(`api/${path}`, page);
}

/**
 * Hands a share link's token over for a cookie and takes it out of the address bar and the history; resolves to why it
 * was refused, null when it was not or there was none.
 */
export async function enter(): Promise<EntryRefusal | null> {
	addEventListener("hashchange", () => location.hash.startsWith(TOKEN_FRAGMENT) && location.reload());
	const { hash } = location;
	if (!hash.startsWith(TOKEN_FRAGMENT)) return null;
	history.replaceState(history.state, "", location.pathname + location.search);
	return await post({ token: hash.slice(TOKEN_FRAGMENT.length) });
}

/** Resolves to why the password was refused, null when it was not. */
export function signIn(password: string): Promise<EntryRefusal | null> {
	return post({ password });
}

export async function signOut(): Promise<void> {
	await fetch(apiUrl("session"), { method: "DELETE" });
}

/** Who the relay takes this browser for; null when it cannot be asked. */
export async function session(): Promise<SessionReport | null> {
	try {
		return (await (await fetch(apiUrl("session"))).json()) as SessionReport;
	} catch {
		return null;
	}
}

async function post(body: { token: string } | { password: string }): Promise<EntryRefusal | null> {
	try {
		const response = await fetch(apiUrl("session"), {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify(body),
			signal: AbortSignal.timeout(PATIENCE_MS),
		});
		if (response.ok) return null;
		const { error } = (await response.json()) as { error: EntryRefusal };
		return response.status === 400 ? "invalid" : error;
	} catch {
		return "busy"; // out of reach: the page's own connection says more
	}
}
