import { isIP } from "node:net";

/** Whether only this machine can be meant by a host name or address. */
export function isLoopback(host: string): boolean {
	const bare = host.replace(/^\[|\]$/g, "").toLowerCase();
	return (
		bare === "localhost" ||
		bare.endsWith(".localhost") ||
		bare === "::1" ||
		bare === "::ffff:127.0.0.1" ||
		(isIP(bare) === 4 && bare.startsWith("127."))
	);
}

/** What decides whether others than this machine reach the relay, and whether it was said who may. */
export interface Exposure {
	host: string;
	/** The address it is reached at where a container hides it; null: `host`. */
	exposedHost: string | null;
	publicUrl: string | null;
	hasTrustedProxy: boolean;
}

/** Whether others than this machine can reach the relay, by all it was told. */
export function isExposed({ host, exposedHost, publicUrl, hasTrustedProxy }: Exposure): boolean {
	if (hasTrustedProxy || !isLoopback(exposedHost ?? host)) return true;
	return publicUrl !== null && !isLoopback(new URL(publicUrl).hostname);
}

/** What an exposed relay was told of who may do what. */
export interface Provision {
	hasPublishKeys: boolean;
	hasViewers: boolean;
	/** Not every camera is `public`, so something has to be signed. */
	needsSecret: boolean;
	hasSecret: boolean;
	/** Some camera is `sign-in`, or may be yet. */
	needsPassword: boolean;
	hasPassword: boolean;
}

const KEY = `
  PUBLISH_KEYS    which key publishes which camera. Make one:
                    bun run relay key CAMERA
                  or keep keys in a folder: DATA_DIR=FOLDER, and the same command with DATA_DIR set`;
const VIEWERS = `
  VIEWERS         who may watch. One of:
                    VIEWERS=link      who has a share link:  bun run relay link CAMERA --for 2h
                    VIEWERS=sign-in   who has a password
                    VIEWERS=public    everybody who reaches the relay`;
const SECRET = `
  SIGNING_SECRET  signs share links and sign-ins (not for VIEWERS=public; DATA_DIR makes its own):
                    bun run relay secret`;
const PASSWORD = `
  PASSWORDS       for VIEWERS=sign-in, and for the operator page:
                    bun run relay password`;

/** One message with what an exposed relay still has to be told, and the commands that make it; null when nothing. */
export function missingFor(given: Provision, address: string): string | null {
	const missing = [
		given.hasPublishKeys ? "" : KEY,
		given.hasViewers ? "" : VIEWERS,
		given.needsSecret && !given.hasSecret ? SECRET : "",
		given.needsPassword && !given.hasPassword ? PASSWORD : "",
	].join("");
	if (missing === "") return null;
	return `${address} lets others reach this relay. Nothing is public by accident, so say first:${missing}
For this machine alone: HOST=127.0.0.1. All of it step by step: docs/host-publicly.md`;
}
