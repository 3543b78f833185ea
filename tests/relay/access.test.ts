import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { Attempts, groupOf } from "../../relay/access/attempts.ts";
import { sessionCookie, sessionTokens } from "../../relay/access/cookie.ts";
import { Door, parseProxies } from "../../relay/access/door.ts";
import { isExposed, isLoopback } from "../../relay/access/exposure.ts";
import { BusyError, hashPassword, Passwords, parsePasswords } from "../../relay/access/passwords.ts";
import { parsePolicy } from "../../relay/access/policy.ts";
import {
	camerasOpened,
	hashOf,
	newPublishKey,
	parsePublishKeys,
	presentedKeys,
} from "../../relay/access/publish-keys.ts";
import { Takeovers } from "../../relay/access/publish-rights.ts";
import { MAX_LINK_CAMERAS, newTokenId, type Pass, signPass, verifyToken } from "../../relay/access/tokens.ts";
import { ConfigError, readConfig } from "../../relay/config.ts";

const secret = new TextEncoder().encode("0123456789abcdef0123456789abcdef");
const now = new Date("2026-03-01T12:00:00Z");
const link: Pass = { is: "link", id: newTokenId(), expires: now.getTime() + 60_000, cameras: ["bench"] };

describe("a token", () => {
	test("says again what was signed, until it expires", async () => {
		const token = await signPass(link, secret);
		expect(await verifyToken(token, secret, now)).toEqual({ is: "valid", pass: link });
		const later = new Date(link.expires + 1_000);
		expect(await verifyToken(token, secret, later)).toEqual({ is: "expired", pass: link });
	});

	test("is refused with any one bit changed", async () => {
		const token = await signPass(link, secret);
		let accepted = 0;
		for (let i = 0; i < token.length; i++)
			for (let bit = 0; bit < 8; bit++) {
				const changed = String.fromCharCode(token.charCodeAt(i) ^ (1 << bit));
				const verdict = await verifyToken(token.slice(0, i) + changed + token.slice(i + 1), secret, now);
				if (verdict.is !== "invalid") accepted++;
			}
		expect([token.length * 8 > 1_500, accepted]).toEqual([true, 0]);
	});

	test("is refused whatever else it is", async () => {
		await fc.assert(
			fc.asyncProperty(fc.string({ unit: "binary", maxLength: 400 }), async (text) => {
				expect(await verifyToken(text, secret, now)).toEqual({ is: "invalid" });
			}),
			{ numRuns: 500 },
		);
	});

	test.each([
		["no camera", { cameras: [] }],
		["a camera that could be none", { cameras: ["../etc"] }],
		["more cameras than a page shows", { cameras: Array.from({ length: 33 }, (_, i) => `c${i}`) }],
	])("of %s is refused though it is signed", async (_, change) => {
		const token = await signPass({ ...link, ...change } as Pass, secret);
		expect(await verifyToken(token, secret, now)).toEqual({ is: "invalid" });
	});
});

describe("publish keys", () => {
	test("open the cameras they were made for, several at once", () => {
		const [a, b, c] = [newPublishKey(), newPublishKey(), newPublishKey()];
		const stored = parsePublishKeys(`bench:${hashOf(a)}, door:${hashOf(b)},bench:${hashOf(c)}`);
		expect([...camerasOpened(stored, presentedKeys(`Bearer ${a}~${b}`))]).toEqual(["bench", "door"]);
		expect([...camerasOpened(stored, [c])]).toEqual(["bench"]);
		expect([...camerasOpened(stored, [`${a}x`, "", hashOf(a)])]).toEqual([]);
		expect(presentedKeys(null)).toEqual([]);
		expect(presentedKeys("Basic abc")).toEqual([]);
	});

	test.each(["bench", "bench:", "bench:abc", "Bench:aa", `:${"a".repeat(64)}`])("%p is refused", (text) => {
		expect(() => parsePublishKeys(text)).toThrow(RangeError);
	});
});

describe("who may watch", () => {
	test("is said for all cameras and for others by name", () => {
		const policy = parsePolicy("link, lobby:public, vault:sign-in");
		expect(["bench", "lobby", "vault"].map((id) => policy.of(id))).toEqual(["link", "public", "sign-in"]);
		expect(policy.isPublic).toBe(false);
		expect(parsePolicy("public").isPublic).toBe(true);
	});

	test.each([
		"",
		"lobby:public",
		"all",
		"public,link",
		"link,a:public,a:link",
		"link,A:public",
		"link,a:b:c",
	])("%p is refused", (text) => expect(() => parsePolicy(text)).toThrow(RangeError));
});

describe("the door", () => {
	const door = (env: Record<string, string> = {}) => new Door(readConfig(env).door);
	const headers = (given: Record<string, string>) => new Headers({ host: "127.0.0.1:6732", ...given });
	const statusOf = (entry: ReturnType<Door["enter"]>) => ("status" in entry ? entry.status : 200);
	const PUBLIC = { PUBLIC_URL: "https://cams.example.org", ALLOWED_ORIGINS: "https://robot.example.org" };

	test.each([
		["http://127.0.0.1:6732", 200],
		["null", 403],
		["https://127.0.0.1:6732", 403],
		["http://127.0.0.1:6733", 403],
		["http://127.0.0.1", 403],
		["http://localhost:6732", 403],
		["http://127.0.0.1:6732.evil.example", 403],
		["http://127.0.0.1:6732@evil.example", 403],
		["http://evil.example/127.0.0.1:6732", 403],
		["https://evil.example", 403],
		["file://", 403],
		["http://127.0.0.1:6732/", 403],
	])("a page of %s is answered with %d", (origin, status) => {
		expect(statusOf(door().enter(headers({ origin }), "127.0.0.1"))).toBe(status);
	});

	test.each([
		["https://cams.example.org", 200],
		["https://robot.example.org", 200],
		["http://cams.example.org", 403],
		["https://cams.example.org.evil.example", 403],
		["https://evil-cams.example.org", 403],
		["https://cams.example.org:8443", 403],
		["https://CAMS.example.org", 403],
		["https://robot.example.org.", 403],
	])("behind https://cams.example.org a page of %s is answered with %d", (origin, status) => {
		const entry = door(PUBLIC).enter(headers({ host: "cams.example.org", origin }), "127.0.0.1");
		expect(statusOf(entry)).toBe(status);
	});

	test.each([
		["127.0.0.1:6732", 200],
		["localhost:6732", 200],
		["[::1]:6732", 200],
		["192.168.1.20:6732", 200],
		["evil.example", 421],
		["evil.example:6732", 421],
		["localhost.evil.example", 421],
		["127.0.0.1.evil.example", 421],
		["", 400],
		["a@127.0.0.1", 400],
		["127.0.0.1/x", 400],
	])("a request to %p is answered with %d: other names could be made to lead here", (host, status) => {
		expect(statusOf(door().enter(new Headers({ host }), "127.0.0.1"))).toBe(status);
	});

	test.each([
		{ "x-forwarded-for": "203.0.113.9" },
		{ "x-forwarded-proto": "https" },
		{ "x-real-ip": "203.0.113.9" },
		{ forwarded: "for=203.0.113.9" },
		{ via: "1.1 proxy" },
	])("a proxy that nobody told of is refused by name of the setting: %p", (given) => {
		const entry = door().enter(headers(given as Record<string, string>), "127.0.0.1");
		expect(entry).toMatchObject({ status: 421, words: expect.stringContaining("TRUSTED_PROXY=127.0.0.1") });
	});

	test("the address is the nearest that is none of the trusted proxies", () => {
		const proxied = door({ TRUSTED_PROXY: "10.0.0.2, 172.16.0.0/12" });
		const from = (forwarded: string, peer: string) => {
			const entry = proxied.enter(
				headers({ "x-forwarded-for": forwarded, "x-forwarded-proto": "https" }),
				peer,
			);
			return "caller" in entry ? [entry.caller.address, entry.caller.isHttps] : [];
		};
		expect(from("6.6.6.6, 203.0.113.9, 172.16.5.5", "10.0.0.2")).toEqual(["203.0.113.9", true]);
		expect(from("203.0.113.9", "203.0.113.50")).toEqual(["203.0.113.50", false]);
		expect(from("nonsense", "10.0.0.2")).toEqual(["10.0.0.2", true]);
		expect(from("203.0.113.9", "::ffff:10.0.0.2")).toEqual(["203.0.113.9", true]);
		expect(() => parseProxies(["10.0.0.0/33"])).toThrow(RangeError);
		expect(() => parseProxies(["proxy"])).toThrow(RangeError);
	});
});

describe("the cookie", () => {
	const http = { address: "::1", isHttps: false, host: "localhost:6732" };
	const https = { address: "::1", isHttps: true, host: "cams.example.org" };

	test("is for this relay alone: no script, no other site, no plain http once it is https", () => {
		expect(sessionCookie(["a.b.c"], http)).toBe(
			"sightline-6732=a.b.c; Path=/; HttpOnly; SameSite=Strict; Max-Age=2592000",
		);
		expect(sessionCookie(["a.b.c"], https)).toStartWith(
			"__Host-sightline=a.b.c; Path=/; HttpOnly; SameSite=Strict",
		);
		expect(sessionCookie(["a.b.c"], https)).toEndWith("; Secure");
		expect(sessionCookie([], http)).toContain("sightline-6732=; ");
		expect(sessionCookie([], http)).toContain("Max-Age=0");
	});

	test("fits into what a browser keeps: the oldest tokens are left out", async () => {
		const cameras = Array.from({ length: MAX_LINK_CAMERAS }, (_, i) => `${"long-".repeat(12)}${100 + i}`);
		const large = await signPass({ ...link, cameras }, secret);
		const pairOf = (tokens: string[]) => sessionCookie(tokens, https).split(";")[0]!;
		expect(pairOf([large, large])).toBe(`__Host-sightline=${large}`);
		expect(pairOf([large, "a.b.c", "d.e.f", large])).toBe(`__Host-sightline=${large}~a.b.c~d.e.f`);
		expect(pairOf([large]).length).toBeLessThan(4_097);
	});

	test("holds several tokens, not another port's", () => {
		const headers = new Headers({ cookie: "x=1; sightline-6733=no; sightline-6732=a~b~~c; sightline=no" });
		expect(sessionTokens(headers, http)).toEqual(["a", "b", "c"]);
		expect(sessionTokens(new Headers(), http)).toEqual([]);
	});
});

describe("tries", () => {
	test("run out and come back with time, for one address", () => {
		const attempts = new Attempts();
		const taken = (address: string, time: number) => attempts.take(address, time);
		expect(Array.from({ length: 10 }, () => taken("1.2.3.4", 0)).filter(Boolean)).toHaveLength(8);
		expect([taken("1.2.3.5", 0), taken("1.2.3.4", 9_000), taken("1.2.3.4", 20_000)]).toEqual([
			true,
			false,
			true,
		]);
		attempts.giveBack("1.2.3.4");
		expect(taken("1.2.3.4", 20_000)).toBe(true);
	});

	test("count for a whole /64 of IPv6", () => {
		expect(groupOf("2001:db8::1")).toBe(groupOf("2001:db8:0:0:ffff::2"));
		expect(groupOf("2001:db8::1")).not.toBe(groupOf("2001:db8:0:1::1"));
		expect(groupOf("::1")).toBe("0:0:0:0");
	});

	test("of takeovers too: three a minute and camera", () => {
		const takeovers = new Takeovers();
		expect([0, 1, 2, 3].map((time) => takeovers.allow("bench", time))).toEqual([true, true, true, false]);
		expect([takeovers.allow("door", 3), takeovers.allow("bench", 61_000)]).toEqual([true, true]);
	});
});

test("passwords are checked two at a time, and when too many wait the next is told so", async () => {
	const stored = parsePasswords(`operator:${await hashPassword("a right password")}`);
	const passwords = new Passwords(stored);
	const asked = Array.from({ length: 30 }, (_, i) =>
		passwords.match(i % 2 ? "a right password" : "a wrong one"),
	);
	const answers = await Promise.allSettled(asked);
	const busy = answers.filter(({ status }) => status === "rejected");
	expect(busy).toHaveLength(8);
	for (const one of busy) expect((one as PromiseRejectedResult).reason).toBeInstanceOf(BusyError);
	const roles = answers.flatMap((one) => (one.status === "fulfilled" ? [one.value?.role ?? null] : []));
	expect(roles).toEqual(Array.from({ length: 22 }, (_, i) => (i % 2 ? "operator" : null)));
});

describe("the settings", () => {
	test.each([
		["127.0.0.1", true],
		["127.9.9.9", true],
		["::1", true],
		["[::1]", true],
		["localhost", true],
		["0.0.0.0", false],
		["::", false],
		["192.168.1.2", false],
		["127.0.0.1.example.org", false],
		["lab", false],
	])("%s is this machine alone: %p", (host, expected) => expect(isLoopback(host)).toBe(expected));

	test("a proxy or a public address exposes a relay that listens on this machine alone", () => {
		const local = { host: "127.0.0.1", exposedHost: null, publicUrl: null, hasTrustedProxy: false };
		expect(isExposed(local)).toBe(false);
		expect(isExposed({ ...local, hasTrustedProxy: true })).toBe(true);
		expect(isExposed({ ...local, publicUrl: "https://cams.example.org" })).toBe(true);
		expect(isExposed({ ...local, host: "0.0.0.0", exposedHost: "127.0.0.1" })).toBe(false);
	});

	test.each([
		[{ SIGNING_SECRET: "canary-short" }, "SIGNING_SECRET: expected at least 32"],
		[{ METRICS_TOKEN: "canary-short" }, "METRICS_TOKEN: expected at least 32"],
		[{ METRICS_TOKEN: `canary with spaces ${"x".repeat(32)}` }, "METRICS_TOKEN: expected letters"],
		[{ PUBLISH_KEYS: "bench:canary-hash" }, "PUBLISH_KEYS: camera bench"],
		[{ PASSWORDS: "admin:canary-hash" }, "PASSWORDS: expected viewer:HASH"],
		[{ PASSWORDS: "viewer:canary-hash" }, "PASSWORDS: viewer"],
		[{ VIEWERS: "everyone" }, 'VIEWERS=everyone: "everyone"'],
		[{ PUBLIC_URL: "cams.example.org" }, "PUBLIC_URL=cams.example.org"],
		[{ PUBLIC_URL: "https://a/b" }, "PUBLIC_URL=https://a/b"],
		[{ ALLOWED_ORIGINS: "https://a,*" }, "ALLOWED_ORIGINS"],
		[{ TRUSTED_PROXY: "nginx" }, "TRUSTED_PROXY=nginx"],
		[{ TLS_CERT: "x" }, "TLS_CERT and TLS_KEY"],
		[{ MAX_CONNECTIONS: "0" }, "MAX_CONNECTIONS=0"],
		[{ SIGNING_SECRET_FILE: "/nowhere" }, "SIGNING_SECRET_FILE=/nowhere: cannot be read (ENOENT)"],
	] as [Record<string, string>, string][])("%p is refused by name, without a secret", (env, words) => {
		let message = "";
		try {
			readConfig(env);
		} catch (cause) {
			expect(cause).toBeInstanceOf(ConfigError);
			({ message } = cause as Error);
		}
		expect(message).toContain(words);
		expect(message).not.toContain("canary");
	});
});
