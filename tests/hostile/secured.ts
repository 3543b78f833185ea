import { hashPassword } from "../../relay/access/passwords.ts";
import { hashOf, newPublishKey } from "../../relay/access/publish-keys.ts";
import { newTokenId, type Pass, signPass } from "../../relay/access/tokens.ts";
import { type Running, startRelay } from "../support/processes.ts";
import { smallJpeg, WireAgent } from "../support/wire-agent.ts";
import { WireClient } from "../support/wire-client.ts";

export const SECRET = "canary-signing-secret-0123456789abcdef";
export const PASSWORDS = { viewer: "canary viewer password", operator: "canary operator password" } as const;
/** Who may watch which of the three cameras. */
const VIEWERS = "sign-in, lobby:public, shared:link";
export const CAMERAS = ["lobby", "shared", "vault"] as const;
export const KEYS: Record<string, string> = Object.fromEntries(CAMERAS.map((id) => [id, newPublishKey()]));
export const HOUR_MS = 3_600_000;

const hashes = Promise.all([hashPassword(PASSWORDS.viewer), hashPassword(PASSWORDS.operator)]);

/** What a relay with keys, links and passwords is told, as one that others can reach. */
export async function securedEnvironment(): Promise<Record<string, string>> {
	const [viewer, operator] = await hashes;
	return {
		EXPOSED_HOST: "0.0.0.0",
		VIEWERS,
		SIGNING_SECRET: SECRET,
		PUBLISH_KEYS: CAMERAS.map((id) => `${id}:${hashOf(KEYS[id]!)}`).join(","),
		PASSWORDS: `viewer:${viewer},operator:${operator}`,
	};
}

/** A relay with keys, links and passwords. */
export async function startSecured(env: Record<string, string | undefined> = {}): Promise<Secured> {
	return new Secured(await startRelay({ env: { ...(await securedEnvironment()), ...env } }));
}

/** A secured relay, and ways to it. */
export class Secured implements AsyncDisposable {
	readonly process: Running & { url: string };

	constructor(process: Running & { url: string }) {
		this.process = process;
	}

	get url(): string {
		return this.process.url;
	}

	/** Headers of a browser that keeps these tokens. */
	cookie(...tokens: string[]): Record<string, string> {
		return { Cookie: `sightline-${new URL(this.url).port}=${tokens.join("~")}` };
	}

	/** The tokens a Set-Cookie header hands out. */
	tokensIn(response: Response): string[] {
		const value = /^[^=]+=([^;]*)/.exec(response.headers.get("set-cookie") ?? "")?.[1] ?? "";
		return value.split("~").filter(Boolean);
	}

	get(path: string, headers: Record<string, string> = {}): Promise<Response> {
		return fetch(`${this.url}${path}`, { headers });
	}

	send(path: string, { method = "POST", body, headers = {} }: Sent = {}): Promise<Response> {
		return fetch(`${this.url}${path}`, {
			method,
			headers: { "Content-Type": "application/json", ...headers },
			...(body === undefined ? {} : { body: JSON.stringify(body) }),
		});
	}

	/** Signs in; resolves to the cookie's headers. */
	async signIn(role: keyof typeof PASSWORDS): Promise<Record<string, string>> {
		const response = await this.send("/api/session", { body: { password: PASSWORDS[role] } });
		if (!response.ok) throw new Error(`sign-in: ${response.status}`);
		return this.cookie(...this.tokensIn(response));
	}

	/** A camera's agent with its key, live. */
	agent(id: string, instance?: string): Promise<WireAgent> {
		const headers = { Authorization: `Bearer ${KEYS[id]}` };
		return new WireAgent(this.url, id, { headers }).publish(instance, `Name of ${id}`);
	}

	watcher(headers: Record<string, string> = {}): WireClient {
		return new WireClient(`${this.url}/watch`, { headers });
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.process[Symbol.asyncDispose]();
	}
}

interface Sent {
	method?: string;
	body?: unknown;
	headers?: Record<string, string>;
}

/** Each camera's picture, of its own colour. */
export const PICTURES = Object.fromEntries(
	await Promise.all(CAMERAS.map(async (id, i) => [id, await smallJpeg(undefined, `#${i}0${i}0ff`)] as const)),
);

/**
 * Agents of all three cameras that send the smallest rendition and what is demanded ten times a second, the most hidden
 * camera first; `using` ends them.
 */
export async function playAll(relay: Secured): Promise<Disposable> {
	const agents: WireAgent[] = [];
	for (const id of CAMERAS.toReversed()) agents.push(await relay.agent(id));
	let seq = 0;
	const timer = setInterval(() => {
		seq++;
		for (const agent of agents)
			for (const rendition of new Set([0, ...(agent.demand?.renditions ?? [])]))
				agent.sendFrame(PICTURES[agent.id]!, { rendition, seq });
	}, 100);
	return {
		[Symbol.dispose]() {
			clearInterval(timer);
			for (const agent of agents) agent.close();
		},
	};
}

/** A link's token; in an hour, to `shared`, by the relay's own secret unless told. */
export function linkToken(change: Partial<Pass & { is: "link" }> = {}, secret = SECRET): Promise<string> {
	const pass = {
		is: "link",
		id: newTokenId(),
		expires: Date.now() + HOUR_MS,
		cameras: ["shared"],
		...change,
	};
	return signPass(pass as Pass, new TextEncoder().encode(secret));
}
