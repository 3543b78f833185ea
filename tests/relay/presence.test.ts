import { afterEach, describe, expect, test } from "bun:test";
import { Access } from "../../relay/access/access.ts";
import { nameOfPassword, Passwords } from "../../relay/access/passwords.ts";
import { parsePolicy } from "../../relay/access/policy.ts";
import { Presence } from "../../relay/access/presence.ts";
import { MemoryRecords } from "../../relay/access/records.ts";

const caller = { address: "203.0.113.9", isHttps: true, host: "cams.example.org" };
const newAccess = () =>
	new Access(
		{
			policy: parsePolicy("link, lobby:public"),
			publishKeys: [],
			passwords: new Passwords([]),
			secret: new Uint8Array(32),
			isExposed: true,
			metricsToken: null,
		},
		new MemoryRecords(),
	);

describe("who watches by a link that is revoked", () => {
	const access = newAccess();
	const presence = new Presence(access, { connections: 9, perAddress: 9 });
	afterEach(() => presence.stop());

	test.each([
		["what it alone opens is told so", ["bench"], ["revoked"]],
		["what is public too dials again, and keeps that", ["bench", "lobby"], ["restarting"]],
	])("%s", async (_, cameras, reasons) => {
		const [token, { id, expires }] = await access.makeLink({ label: "", cameras: ["bench"] }, 60_000);
		const visitor = await access.visitor(new Headers({ authorization: `Bearer ${token}` }), caller);
		const closed: string[] = [];
		const left = presence.reader(
			{ close: (reason) => closed.push(reason) },
			{ caller, visitor, cameras: () => cameras },
		);
		access.records.revoke(id, expires);
		presence.recheck();
		expect(closed).toEqual(reasons);
		left();
	});
});

test("a link made elsewhere is known as soon as a request shows it, and can be revoked", async () => {
	const [token, link] = await newAccess().makeLink({ label: "", cameras: ["bench"] }, 60_000);
	const relay = newAccess();
	await relay.visitor(new Headers({ authorization: `Bearer ${token}` }), caller);
	expect(relay.records.links()).toMatchObject([{ id: link.id, cameras: ["bench"], expires: link.expires }]);
});

test("a password is known by its name and role, without being hashed again", () => {
	let reads = 0;
	const stored = {
		role: "viewer",
		get hash() {
			reads++;
			return "$argon2id$one";
		},
	} as const;
	const passwords = new Passwords([stored]);
	const name = nameOfPassword(stored);
	reads = 0;
	expect(["viewer", "operator"].map((role) => passwords.knows(name, role as "viewer"))).toEqual([
		true,
		false,
	]);
	expect([passwords.knows("another", "viewer"), reads]).toEqual([false, 0]);
});
