import type { Attachment } from "svelte/attachments";
import type { NewLink, OperatorReport } from "#shared/access.ts";
import { apiUrl, session, signOut } from "./session.ts";

const POLL_MS = 2_000;

/** Where the operator page stands. */
type Standing =
	| { is: "opening" }
	/** Nobody is signed in; `canSignIn` is false where the relay has no password at all. */
	| { is: "signed-out"; canSignIn: boolean }
	/** Signed in, but to watch only. */
	| { is: "viewer" }
	| { is: "open" }
	/** It was open; the relay does not answer now. */
	| { is: "unreachable" };

/** What the operator page knows and does: the components only draw it. */
export class Operator {
	standing = $state.raw<Standing>({ is: "opening" });
	report = $state.raw<OperatorReport | null>(null);
	/** The link made last: its address is told only once. */
	made = $state.raw<NewLink | null>(null);
	/** What the relay said to the last thing that was asked of it and refused. */
	refusal = $state.raw<string | null>(null);
	#isLooking = false;

	/** Looks every two seconds while the page is seen; the attachment of the page's root. */
	readonly run: Attachment = () => {
		const over = new AbortController();
		const look = () => {
			if (!document.hidden) void this.look();
		};
		const timer = setInterval(look, POLL_MS);
		document.addEventListener("visibilitychange", look, { signal: over.signal });
		look();
		return () => {
			over.abort();
			clearInterval(timer);
		};
	};

	async look(): Promise<void> {
		if (this.#isLooking) return;
		this.#isLooking = true;
		try {
			const response = await fetch(apiUrl("operator"));
			if (response.ok) {
				this.report = (await response.json()) as OperatorReport;
				this.standing = { is: "open" };
			} else if (response.status === 403) this.#leave({ is: "viewer" });
			else if (response.status === 401)
				this.#leave({ is: "signed-out", canSignIn: (await session())?.canSignIn ?? true });
			else this.standing = { is: "unreachable" };
		} catch {
			this.standing = { is: "unreachable" };
		}
		this.#isLooking = false;
	}

	async makeLink(wanted: { label: string; cameras: string[]; lastsMs: number }): Promise<void> {
		const response = await this.#ask("operator/links", {
			method: "POST",
			headers: { "Content-Type": "application/json" },
			body: JSON.stringify(wanted),
		});
		if (response) this.made = (await response.json()) as NewLink;
	}

	async revoke(link: string): Promise<void> {
		await this.#ask(`operator/links/${link}`, { method: "DELETE" });
		if (this.made?.link.id === link) this.made = null;
	}

	async disconnect(viewer: string): Promise<void> {
		await this.#ask(`operator/viewers/${viewer}`, { method: "DELETE" });
	}

	async leave(): Promise<void> {
		await signOut();
		await this.look();
	}

	/** Asks and looks at what came of it; null when it was refused. */
	async #ask(path: string, init: RequestInit): Promise<Response | null> {
		this.refusal = null;
		let response: Response | null = null;
		try {
			response = await fetch(apiUrl(path), init);
			if (!response.ok) {
				this.refusal = ((await response.json()) as { error: string }).error;
				response = null;
			}
		} catch {
			this.refusal = "the relay does not answer";
		}
		await this.look();
		return response;
	}

	#leave(standing: Standing): void {
		this.standing = standing;
		this.report = null;
		this.made = null;
	}
}
