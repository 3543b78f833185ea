import { BlockList, isIP } from "node:net";
import { hostname } from "node:os";
import { isLoopback } from "./exposure.ts";

/** What the door knows of the relay's own address. */
export interface DoorSettings {
	/** Where people reach it, as they type it; null: by any address or name of this machine. */
	publicUrl: URL | null;
	/** Other pages that may speak with it. */
	allowedOrigins: readonly string[];
	/** Proxies whose X-Forwarded-* headers are believed. */
	trustedProxies: BlockList | null;
	/** Whether a proxy nobody told of would open what is meant for this machine alone. */
	refusesProxies: boolean;
	isTls: boolean;
}

/** Who asks, as far as the connection tells. */
export interface Caller {
	/** Of the person's end, behind trusted proxies. */
	address: string;
	/** How the person's browser came here. */
	isHttps: boolean;
	/** Host header, in lower case. */
	host: string;
}

/** Somebody who was let in. */
export interface Admitted {
	caller: Caller;
	/** Whether it is a page allowed by name that shows what is answered: browsers send no Origin for its images. */
	mayEmbed: boolean;
}

export type Entry = Admitted | { status: 400 | 403 | 421; words: string };

const FORWARDED = [
	"x-forwarded-for",
	"x-forwarded-host",
	"x-forwarded-proto",
	"x-real-ip",
	"forwarded",
	"via",
];
const MAX_HOPS = 16;

/**
 * Looks at a request before anything else does: the name it was sent to (a page elsewhere can make its own name lead
 * here: DNS rebinding), the page it comes from (browsers let any page open a WebSocket), and proxies nobody told of.
 */
export class Door {
	readonly #settings: DoorSettings;
	readonly #names: ReadonlySet<string>;
	readonly #origins: ReadonlySet<string>;

	constructor(settings: DoorSettings) {
		const { publicUrl, allowedOrigins } = settings;
		this.#settings = settings;
		const urls = [...(publicUrl ? [publicUrl] : []), ...allowedOrigins.map((origin) => new URL(origin))];
		const own = hostname().toLowerCase();
		this.#names = new Set([own, `${own}.local`, ...urls.map((url) => url.hostname)]);
		this.#origins = new Set([...(publicUrl ? [publicUrl.origin] : []), ...allowedOrigins]);
	}

	/** `peer` is the other end of the TCP connection. */
	enter(headers: Headers, peer: string): Entry {
		const { trustedProxies, refusesProxies, isTls } = this.#settings;
		const isByProxy = trustedProxies !== null && isIn(trustedProxies, peer);
		if (refusesProxies && FORWARDED.some((name) => headers.has(name)))
			return {
				status: 421,
				words: `a proxy stands before this relay: set TRUSTED_PROXY=${plain(peer)} and PUBLIC_URL to what people type`,
			};
		const host = headers.get("host")?.toLowerCase() ?? "";
		const url = URL.parse(`http://${host}`);
		if (!url || url.host === "" || url.username !== "" || url.pathname !== "/")
			return { status: 400, words: "Host: expected a name or address" };
		if (!this.#isOwn(url.hostname))
			return {
				status: 421,
				words: `this relay does not know itself as "${url.hostname}": set PUBLIC_URL to what people type`,
			};
		const proto = isByProxy ? headers.get("x-forwarded-proto")?.split(",").at(-1)?.trim() : null;
		const caller: Caller = {
			address: isByProxy ? clientOf(headers, peer, trustedProxies) : plain(peer),
			isHttps: proto ? proto === "https" : isTls || this.#isPublicHttps(host),
			host,
		};
		const origin = headers.get("origin");
		if (origin !== null && !this.#isKnownOrigin(origin, caller))
			return {
				status: 403,
				words: `pages of ${origin.slice(0, 80)} may not use this relay: PUBLIC_URL or ALLOWED_ORIGINS names those that may`,
			};
		return { caller, mayEmbed: this.#isNamed(headers.get("referer")) };
	}

	/** An address says itself where it leads; a name could be anybody's. */
	#isOwn(hostname: string): boolean {
		return isIP(hostname.replace(/^\[|\]$/g, "")) !== 0 || isLoopback(hostname) || this.#names.has(hostname);
	}

	#isPublicHttps(host: string): boolean {
		const { publicUrl } = this.#settings;
		return publicUrl?.protocol === "https:" && publicUrl.host === host;
	}

	#isNamed(referrer: string | null): boolean {
		const origin = referrer === null ? null : URL.parse(referrer)?.origin;
		return origin !== undefined && origin !== null && this.#origins.has(origin);
	}

	/** The relay's own pages, and those that were allowed by name. Text is compared: an origin has one spelling. */
	#isKnownOrigin(origin: string, { host, isHttps }: Caller): boolean {
		if (this.#origins.has(origin)) return true;
		if (this.#settings.publicUrl?.host === host) return false; // that one has its exact origin
		return origin === URL.parse(`${isHttps ? "https" : "http"}://${host}`)?.origin;
	}
}

/** Reads "10.0.0.2, 172.16.0.0/12"; throws RangeError with what is no address. */
export function parseProxies(parts: readonly string[]): BlockList {
	const list = new BlockList();
	for (const part of parts) {
		const [address = "", bits] = part.split("/");
		const family = isIP(address);
		const max = family === 6 ? 128 : 32;
		const prefix = bits === undefined ? max : Number(bits);
		if (family === 0 || !Number.isInteger(prefix) || prefix < 0 || prefix > max || bits === "")
			throw new RangeError(`"${part}": expected an address or a range such as 172.16.0.0/12`);
		list.addSubnet(address, prefix, family === 6 ? "ipv6" : "ipv4");
	}
	return list;
}

/** The nearest address that is none of our proxies: what stands further left anybody could have written. */
function clientOf(headers: Headers, peer: string, proxies: BlockList): string {
	const hops = (headers.get("x-forwarded-for") ?? "").split(",", MAX_HOPS + 1).map((hop) => hop.trim());
	if (hops.length > MAX_HOPS) return plain(peer);
	for (const hop of hops.reverse()) {
		if (isIP(hop) === 0) return plain(peer);
		if (!isIn(proxies, hop)) return plain(hop);
	}
	return plain(peer);
}

function isIn(list: BlockList, address: string): boolean {
	const bare = plain(address);
	return isIP(bare) !== 0 && list.check(bare, isIP(bare) === 6 ? "ipv6" : "ipv4");
}

/** An IPv4 address that came in by an IPv6 socket, as itself. */
function plain(address: string): string {
	return address.startsWith("::ffff:") && address.includes(".") ? address.slice(7) : address;
}
