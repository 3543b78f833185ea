import type { Policy } from "./policy.ts";
import type { Pass } from "./tokens.ts";

/** Why somebody may see nothing: a reason to close with, and words for people. */
export interface Denial {
	reason: "denied" | "expired" | "revoked";
	words: string;
}

/** What somebody is told who may not see what was asked for. */
export const DENIED = "sign in, or open a share link";
const NOTHING_SHOWN: Denial = { reason: "denied", words: DENIED };
const ENDED: Record<"revoked" | "expired", Record<Pass["is"], string>> = {
	revoked: { link: "this link was revoked", "sign-in": "this sign-in was ended" },
	expired: { link: "this link has expired", "sign-in": "this sign-in has expired" },
};

/** What to say to somebody whose pass counts no more. */
export function denialFor(reason: "revoked" | "expired", pass: Pass): Denial {
	return { reason, words: ENDED[reason][pass.is] };
}

/** Somebody who watches or asks, and what they may see. Holds for as long as all its passes do. */
export class Visitor {
	readonly passes: readonly Pass[];
	/** Why what was shown does not count. */
	readonly denial: Denial;
	readonly #policy: Policy;

	constructor(policy: Policy, passes: readonly Pass[] = [], denial: Denial = NOTHING_SHOWN) {
		this.#policy = policy;
		this.passes = passes;
		this.denial = denial;
	}

	get isSignedIn(): boolean {
		return this.passes.some((pass) => pass.is === "sign-in");
	}

	get isOperator(): boolean {
		return this.passes.some((pass) => pass.is === "sign-in" && pass.role === "operator");
	}

	/** Whether nothing is hidden from it. */
	get seesAll(): boolean {
		return this.isSignedIn || this.#policy.isPublic;
	}

	/** Whether there could be a camera it may see. */
	get seesAny(): boolean {
		return this.passes.length > 0 || this.#policy.includes("public");
	}

	/** Whether it may watch this camera and know that there is one. */
	sees(camera: string): boolean {
		const audience = this.#policy.of(camera);
		if (audience === "public" || this.isSignedIn) return true;
		return (
			audience === "link" && this.passes.some((pass) => pass.is === "link" && pass.cameras.includes(camera))
		);
	}

	/** The HTTP status that keeps a camera from it, the same whether there is one or not; null where it may see it. */
	refusalOf(camera: string): 401 | 403 | null {
		if (this.sees(camera)) return null;
		return this.passes.length > 0 ? 403 : 401;
	}

	/** When the first of its passes expires, ms since the Unix epoch. */
	get expires(): number {
		return Math.min(...this.passes.map(({ expires }) => expires));
	}
}
