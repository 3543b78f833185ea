/** What the relay's HTTP interface says of who may watch; the page and the relay both read it. Instants: ms, Unix epoch. */

/** How long a share link lasts at most. */
export const MAX_LINK_MS = 30 * 24 * 3_600_000;
export const MAX_LABEL_CHARS = 64;
/** In the address's fragment, which browsers send to nobody: #t=TOKEN. */
export const TOKEN_FRAGMENT = "#t=";

/** Answer of GET /api/session. */
export interface SessionReport {
	role: "visitor" | "guest" | "viewer" | "operator";
	/** When the first of what lets somebody in ends; null when nothing does. */
	expires: number | null;
	/** Whether there is a password for anybody to sign in with. */
	canSignIn: boolean;
}

/** Why POST /api/session refused. */
export type EntryRefusal = "invalid" | "expired" | "revoked" | "wrong-password" | "too-many" | "busy";

export interface LinkReport {
	id: string;
	label: string;
	cameras: readonly string[];
	created: number;
	expires: number;
	isRevoked: boolean;
	/** Connections that watch by it now. */
	viewers: number;
}

export interface ViewerReport {
	id: string;
	address: string;
	/** How it came in. */
	by: "public" | "link" | "viewer" | "operator";
	/** The link's label or id, where it came by one. */
	link: string | null;
	since: number;
	cameras: readonly string[];
}

/** Answer of GET /api/operator. */
export interface OperatorReport {
	now: number;
	/** Whether links and revocations survive a restart of the relay. */
	isLasting: boolean;
	cameras: readonly {
		id: string;
		name: string;
		state: "live" | "connecting" | "offline";
		audience: "public" | "link" | "sign-in";
		viewers: number;
	}[];
	links: readonly LinkReport[];
	viewers: readonly ViewerReport[];
}

/** Answer of POST /api/operator/links: the only time the token is told. */
export interface NewLink {
	url: string;
	link: LinkReport;
}
