import { Attempted } from "../faults.ts";
import { sessionTokens } from "./cookie.ts";
import type { Caller } from "./door.ts";
import type { Passwords } from "./passwords.ts";
import type { Policy } from "./policy.ts";
import { camerasOpened, isSameSecret, presentedKeys, type StoredKey } from "./publish-keys.ts";
import type { PublishRights } from "./publish-rights.ts";
import type { LinkRecord, Records } from "./records.ts";
import { newTokenId, type Pass, type Role, signPass, type Verdict, verifyToken } from "./tokens.ts";
import { denialFor, Visitor } from "./visitor.ts";

const SIGN_IN_MS = 12 * 3_600_000;
const BEARER = /^Bearer +(\S+)$/i;

/** What the relay was told of who may do what. */
export interface AccessSettings {
	policy: Policy;
	publishKeys: readonly StoredKey[];
	passwords: Passwords;
	secret: Uint8Array;
	/** Whether others than this machine reach it: agents need keys even when there are none yet, metrics a token. */
	isExposed: boolean;
	/** Lets a program read the metrics; null: operators alone where others reach it. */
	metricsToken: string | null;
}

/** Knows who may publish and who may watch; asked at every connection and every request. */
export class Access {
	readonly policy: Policy;
	readonly records: Records;
	#settings: AccessSettings;
	#keys: readonly StoredKey[];
	readonly #noting = new Attempted("noting a link");
	#isStale = false; // of the keys: reading them may fail, and is tried again

	constructor(settings: AccessSettings, records: Records) {
		this.#settings = settings;
		this.policy = settings.policy;
		this.records = records;
		this.#keys = [...settings.publishKeys, ...records.keys()];
	}

	get passwords(): Passwords {
		return this.#settings.passwords;
	}

	/** Takes other keys and passwords: what came in by those that are gone counts no more. */
	renew(given: Pick<AccessSettings, "publishKeys" | "passwords">): void {
		this.#settings = { ...this.#settings, ...given };
		this.#keys = [...given.publishKeys, ...this.records.keys()];
	}

	/** Reads anew what the command line changed; true when something did. Throws when it cannot: call again. */
	refresh(): boolean {
		this.#isStale ||= this.records.changed();
		if (!this.#isStale) return false;
		this.#keys = [...this.#settings.publishKeys, ...this.records.keys()];
		this.#isStale = false;
		return true;
	}

	/** What an agent may publish by the keys it shows; null when it may nothing. */
	publishRights(headers: Headers): PublishRights | null {
		const isOpen = () => !this.#settings.isExposed && this.#keys.length === 0;
		if (isOpen()) return { isKeyed: false, opens: isOpen };
		const presented = presentedKeys(headers.get("authorization"));
		if (camerasOpened(this.#keys, presented).size === 0) return null;
		return { isKeyed: true, opens: (camera) => camerasOpened(this.#keys, presented).has(camera) };
	}

	/** Whoever sends these headers, with what their tokens allow; its links become known. */
	async visitor(headers: Headers, caller: Caller): Promise<Visitor> {
		const bearer = BEARER.exec(headers.get("authorization") ?? "")?.[1];
		const tokens = [...(bearer ? [bearer] : []), ...sessionTokens(headers, caller)];
		const fates = await Promise.all(tokens.map((token) => this.judge(token)));
		const passes = fates.flatMap((fate) => (fate.is === "valid" ? [fate.pass] : []));
		for (const pass of passes) if (pass.is === "link") this.noteLink(pass);
		const ended = fates.flatMap((fate) => (fate.is === "revoked" || fate.is === "expired" ? [fate] : []));
		const telling = ended.find(({ is }) => is === "revoked") ?? ended[0];
		return new Visitor(this.policy, passes, telling && denialFor(telling.is, telling.pass));
	}

	/** Whether somebody may read the metrics, which name every camera. */
	mayMeasure(headers: Headers, visitor: Visitor): boolean {
		const { isExposed, metricsToken } = this.#settings;
		if (visitor.isOperator || (!isExposed && visitor.seesAll)) return true;
		const bearer = BEARER.exec(headers.get("authorization") ?? "")?.[1];
		return metricsToken !== null && bearer !== undefined && isSameSecret(bearer, metricsToken);
	}

	/** A token's fate, by its signature, its time and what was revoked since. */
	async judge(token: string): Promise<Verdict | { is: "revoked"; pass: Pass }> {
		const verdict = await verifyToken(token, this.#settings.secret, new Date());
		if (verdict.is === "invalid") return verdict;
		const lost = this.lostBy(verdict.pass, Date.now());
		return lost ? { is: lost, pass: verdict.pass } : verdict;
	}

	/** Why a pass that once was valid is so no more; null while it is. */
	lostBy(pass: Pass, now: number): "revoked" | "expired" | null {
		if (this.records.isRevoked(pass.id)) return "revoked";
		if (pass.expires <= now) return "expired";
		const isKnown = pass.is === "link" || this.passwords.knows(pass.password, pass.role);
		return isKnown ? null : "revoked";
	}

	/** Makes a link to cameras and remembers that it did. Resolves to its token, which is kept nowhere. */
	async makeLink(
		wanted: Pick<LinkRecord, "label" | "cameras">,
		lastsMs: number,
	): Promise<[string, LinkRecord]> {
		const now = Date.now();
		// Tokens count whole seconds.
		const link = {
			...wanted,
			id: newTokenId(),
			created: now,
			expires: Math.ceil((now + lastsMs) / 1000) * 1000,
		};
		const token = await signPass({ is: "link", ...link }, this.#settings.secret);
		this.records.addLink(link);
		return [token, link];
	}

	/**
	 * A link that came in: one made elsewhere (the command line) becomes known, and can be revoked. It opens what it does
	 * also where it cannot be remembered.
	 */
	noteLink({ id, cameras, expires }: Extract<Pass, { is: "link" }>): void {
		this.#noting.run(() => {
			if (this.records.hasLink(id)) return;
			this.records.addLink({ id, label: "", cameras, created: Date.now(), expires });
		});
	}

	/** A token for somebody who knew the password of this name. */
	async signIn(role: Role, password: string): Promise<string> {
		const pass = {
			is: "sign-in",
			id: newTokenId(),
			expires: Date.now() + SIGN_IN_MS,
			role,
			password,
		} as const;
		return await signPass(pass, this.#settings.secret);
	}
}
