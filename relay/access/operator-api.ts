import type { LinkReport, NewLink, OperatorReport, ViewerReport } from "#shared/access.ts";
import { MAX_LABEL_CHARS, MAX_LINK_MS, TOKEN_FRAGMENT } from "#shared/access.ts";
import { array, integer, matching, object } from "#shared/check.ts";
import { ProtocolError } from "#shared/errors.ts";
import { Log } from "#shared/log.ts";
import { CAMERA_ID } from "#shared/protocol.ts";
import type { Hub } from "../hub.ts";
import type { Access } from "./access.ts";
import type { Caller } from "./door.ts";
import type { Presence, Present } from "./presence.ts";
import type { LinkRecord } from "./records.ts";
import { readBody } from "./session-api.ts";
import { MAX_LINK_CAMERAS } from "./tokens.ts";

const MIN_LINK_MS = 60_000;
const LABEL = new RegExp(`^[^\\x00-\\x1f\\x7f]{0,${MAX_LABEL_CHARS}}$`);

const linkBody = object({
	label: matching(LABEL, `at most ${MAX_LABEL_CHARS} characters`),
	cameras: array(matching(CAMERA_ID, "a camera's id"), MAX_LINK_CAMERAS),
	lastsMs: integer(MIN_LINK_MS, MAX_LINK_MS),
});

const log = new Log("relay");

interface OperatorParts {
	access: Access;
	presence: Presence;
	hub: Hub;
	publicOrigin: string | null;
}

/** `/api/operator`: who watches what by which link; makes links, takes them back, ends connections. Operators only. */
export class OperatorApi {
	readonly #access: Access;
	readonly #presence: Presence;
	readonly #hub: Hub;
	readonly #publicOrigin: string | null;

	/** `publicOrigin` is what links lead to; null: wherever the operator who makes one has come. */
	constructor({ access, presence, hub, publicOrigin }: OperatorParts) {
		this.#access = access;
		this.#presence = presence;
		this.#hub = hub;
		this.#publicOrigin = publicOrigin;
	}

	report(): Response {
		const present = [...this.#presence.watching];
		const now = Date.now();
		const links = this.#access.records.links();
		const labels = new Map(links.map(({ id, label }) => [id, label]));
		const report: OperatorReport = {
			now,
			isLasting: this.#access.records.isLasting,
			cameras: [...this.#hub.cameras].map(({ id, status, subscribers }) => ({
				id,
				name: status.name,
				state: status.state,
				audience: this.#access.policy.of(id),
				viewers: subscribers.size,
			})),
			links: links
				.filter(({ expires }) => expires > now)
				.map((link) => this.#linkReport(link, present))
				.reverse(),
			viewers: present.map((one) => ({
				id: one.id,
				address: one.caller.address,
				...wayOf(one, labels),
				since: one.since,
				cameras: one.cameras(),
			})),
		};
		return Response.json(report);
	}

	/** Throws ProtocolError that names what is wrong in the body. */
	async makeLink(request: Request, caller: Caller): Promise<Response> {
		const { label, cameras, lastsMs } = linkBody(await readBody(request), "link");
		if (cameras.length === 0) throw new ProtocolError("link.cameras: expected at least one");
		const closed = cameras.find((id) => this.#access.policy.of(id) === "sign-in");
		if (closed) throw new ProtocolError(`link.cameras: "${closed}" is for people who sign in (VIEWERS)`);
		const [token, link] = await this.#access.makeLink({ label, cameras: [...new Set(cameras)] }, lastsMs);
		log.info("link made", { link: link.id, cameras: link.cameras.join(" "), by: caller.address });
		const origin = this.#publicOrigin ?? `${caller.isHttps ? "https" : "http"}://${caller.host}`;
		const made: NewLink = { url: linkUrl(origin, link.cameras, token), link: this.#linkReport(link, []) };
		return Response.json(made, { status: 201 });
	}

	revokeLink(id: string): Response {
		const link = this.#access.records.links().find((one) => one.id === id);
		if (!link) return Response.json({ error: "no such link" }, { status: 404 });
		try {
			this.#access.records.revoke(id, link.expires);
			log.info("link revoked", { link: id });
		} finally {
			this.#presence.recheck();
		}
		return new Response(null, { status: 204 });
	}

	disconnect(id: string): Response {
		if (!this.#presence.disconnect(id)) return Response.json({ error: "gone already" }, { status: 404 });
		return new Response(null, { status: 204 });
	}

	#linkReport({ id, label, cameras, created, expires }: LinkRecord, present: readonly Present[]): LinkReport {
		const viewers = present.filter(({ visitor }) => visitor.passes.some((pass) => pass.id === id)).length;
		return { id, label, cameras, created, expires, isRevoked: this.#access.records.isRevoked(id), viewers };
	}
}

/** How somebody came in; `labels` of links by id. */
function wayOf({ visitor }: Present, labels: ReadonlyMap<string, string>): Pick<ViewerReport, "by" | "link"> {
	if (visitor.isSignedIn) return { by: visitor.isOperator ? "operator" : "viewer", link: null };
	const pass = visitor.passes[0];
	return pass ? { by: "link", link: labels.get(pass.id) || pass.id } : { by: "public", link: null };
}

/** A share link: the page, the one camera it is for, and the token where no server and no log sees it. */
export function linkUrl(origin: string, cameras: readonly string[], token: string): string {
	const query = cameras.length === 1 ? `?camera=${cameras[0]}` : "";
	return `${origin}/${query}${TOKEN_FRAGMENT}${token}`;
}
