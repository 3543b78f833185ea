import { describe, expect, test } from "bun:test";
import { authorization } from "../../agent/http-auth.ts";

const user = { name: "Mufasa", password: "Circle Of Life" };
const request = { method: "GET", path: "/dir/index.html" };

function field(answer: string | null, name: string): string | undefined {
	return new RegExp(`${name}="?([^",]+)`).exec(answer ?? "")?.[1];
}

describe("HTTP authorization", () => {
	test("Basic", () => {
		expect(authorization('Basic realm="cam"', user, request)).toBe("Basic TXVmYXNhOkNpcmNsZSBPZiBMaWZl");
	});

	test("Digest without qop, as old cameras ask (RFC 2069's scheme)", () => {
		const challenge = 'Digest realm="testrealm@host.com", nonce="dcd98b7102dd2f0e8b11d0f600bfb0c093"';
		const answer = authorization(challenge, user, request);
		expect(field(answer, "response")).toBe("670fd8c2df070c60b045671b8b24ff02");
		expect(answer).not.toContain("qop");
	});

	test.each([
		["MD5", "md5"],
		["SHA-256", "sha256"],
	] as const)(
		"Digest %s with qop=auth answers by the formula of RFC 7616 section 3.4.1",
		(algorithm, hashName) => {
			const challenge = `Digest realm="a \\"b\\"", qop="auth-int, auth", algorithm=${algorithm}, nonce="n0", opaque="o"`;
			const answer = authorization(challenge, user, request);
			const hash = (text: string) => new Bun.CryptoHasher(hashName).update(text).digest("hex");
			const cnonce = field(answer, "cnonce");
			const secret = hash('Mufasa:a "b":Circle Of Life');
			expect(field(answer, "response")).toBe(
				hash(`${secret}:n0:00000001:${cnonce}:auth:${hash("GET:/dir/index.html")}`),
			);
			expect(answer).toContain('realm="a \\"b\\""');
			expect(answer).toContain('opaque="o"');
		},
	);

	test("prefers Digest, and answers nothing it cannot", () => {
		expect(authorization('Basic realm="x", Digest realm="x", nonce="y"', user, request)).toStartWith(
			"Digest ",
		);
		expect(authorization("Negotiate", user, request)).toBeNull();
		expect(authorization('Digest realm="x", nonce="y", algorithm=SHA-512-256', user, request)).toBeNull();
		expect(authorization('Digest realm="x", nonce="y", qop="auth-int"', user, request)).toBeNull();
		expect(authorization("", user, request)).toBeNull();
	});
});
