import { randomBytes } from "node:crypto";
import { createInterface } from "node:readline";
import { type Command, InvalidArgumentError } from "commander";
import { MAX_LABEL_CHARS, MAX_LINK_MS } from "#shared/access.ts";
import { wordsOf } from "#shared/log.ts";
import { CAMERA_ID } from "#shared/protocol.ts";
import type { RelayConfig } from "../config.ts";
import { openRecords } from "./open-access.ts";
import { linkUrl } from "./operator-api.ts";
import { hashPassword, MIN_PASSWORD_CHARS } from "./passwords.ts";
import { hashOf, newPublishKey } from "./publish-keys.ts";
import { MAX_LINK_CAMERAS, MIN_SECRET_BYTES, newTokenId, signPass } from "./tokens.ts";

const EXIT_CONFIG = 2;
const UNITS = { m: 60_000, h: 3_600_000, d: 86_400_000 } as const;

/** Adds the commands that make keys, links and hashes; they read the same environment as the relay. */
export function addCommands(program: Command, readConfig: () => RelayConfig): void {
	program
		.command("key")
		.description(
			"make a publish key for a camera's agent; DATA_DIR keeps its hash, otherwise PUBLISH_KEYS must",
		)
		.argument("<camera>", "the camera's id", cameraId)
		.option("--only", "the camera's earlier keys in DATA_DIR stop working")
		.action((camera: string, { only = false }: { only?: boolean }) => makeKey(camera, only, readConfig()));
	program
		.command("link")
		.description("make a share link; prints its address")
		.argument("<camera...>", "ids of the cameras it shows", (id: string, all: string[] = []) => [
			...all,
			cameraId(id),
		])
		.option("--for <duration>", "how long it lasts: 30m, 2h, 7d", duration, 2 * UNITS.h)
		.option("--label <text>", "what operators see it as", label, "")
		.action((cameras: string[], options: { for: number; label: string }) =>
			guarded(() => makeLink(cameras, options, readConfig())),
		);
	program
		.command("links")
		.description("list the share links in DATA_DIR")
		.action(() => listLinks(readConfig()));
	program
		.command("revoke")
		.description("take a share link in DATA_DIR back; who watches by it is cut off within a second or two")
		.argument("<link>", "its id, as `links` prints it")
		.action((id: string) => revokeLink(id, readConfig()));
	program
		.command("password")
		.description("make the hash of a password, read from the terminal or the first line of input")
		.action(() => guarded(makePassword));
	program
		.command("secret")
		.description("make a SIGNING_SECRET")
		.action(() => console.log(`SIGNING_SECRET=${randomBytes(MIN_SECRET_BYTES).toString("base64url")}`));
}

function makeKey(camera: string, isOnly: boolean, { access }: RelayConfig): void {
	const key = newPublishKey();
	const hash = hashOf(key);
	console.log(`For the agent (told only now):\n  RELAY_KEY=${key}`);
	if (access.dataFolder === null)
		return console.log(
			`For the relay (more cameras: with commas between):\n  PUBLISH_KEYS=${camera}:${hash}`,
		);
	const records = openRecords(access.dataFolder);
	records.addKey({ camera, hash }, Date.now(), isOnly);
	records.close();
	console.log(`The relay that runs on DATA_DIR=${access.dataFolder} knows it from now on.`);
}

async function makeLink(
	given: string[],
	{ for: lastsMs, label }: { for: number; label: string },
	{ access, door, port, tls }: RelayConfig,
): Promise<void> {
	const cameras = [...new Set(given)];
	if (cameras.length > MAX_LINK_CAMERAS)
		throw new RangeError(`a link shows at most ${MAX_LINK_CAMERAS} cameras, got ${cameras.length}`);
	const closed = cameras.find((id) => access.policy?.of(id) === "sign-in");
	if (closed)
		throw new RangeError(`VIEWERS: camera ${closed} is for people who sign in: links do not open it`);
	const records = access.dataFolder === null ? null : openRecords(access.dataFolder);
	const secret = access.secret ?? records?.secret();
	if (!secret)
		throw new RangeError(
			"set SIGNING_SECRET or DATA_DIR, the same as the relay's: it would not know this link",
		);
	const created = Date.now();
	const expires = Math.ceil((created + lastsMs) / 1000) * 1000;
	const link = { id: newTokenId(), label, cameras, created, expires };
	const token = await signPass({ is: "link", ...link }, secret);
	records?.addLink(link);
	records?.close();
	const origin = door.publicUrl?.origin ?? `${tls ? "https" : "http"}://localhost:${port}`;
	console.log(linkUrl(origin, link.cameras, token));
	console.error(`until ${new Date(expires).toLocaleString()}; whoever has this address can watch`);
	if (!door.publicUrl) console.error("set PUBLIC_URL to get the address people can use elsewhere");
}

function listLinks({ access }: RelayConfig): void {
	const records = openRecords(dataFolderOf(access));
	const links = records.links().filter(({ expires }) => expires > Date.now());
	for (const { id, label, cameras, expires } of links) {
		const state = records.isRevoked(id) ? "revoked" : `until ${new Date(expires).toLocaleString()}`;
		console.log([id, cameras.join(" "), state, label].filter(Boolean).join("  "));
	}
	if (links.length === 0) console.log("No links.");
	records.close();
}

function revokeLink(id: string, { access }: RelayConfig): void {
	const records = openRecords(dataFolderOf(access));
	const link = records.links().find((one) => one.id === id);
	if (link) records.revoke(id, link.expires);
	records.close();
	if (link) return console.log("Revoked.");
	fail(`no link ${id} in DATA_DIR=${access.dataFolder}; "bun run relay links" lists them`);
}

async function makePassword(): Promise<void> {
	const password = await askPassword();
	if (password.length < MIN_PASSWORD_CHARS)
		throw new RangeError(`a password needs at least ${MIN_PASSWORD_CHARS} characters`);
	const hash = await hashPassword(password);
	console.log(`For people who watch:\n  PASSWORDS=viewer:${hash}`);
	console.log(`or, for those who also share links and disconnect others:\n  PASSWORDS=operator:${hash}`);
}

/** Never as an argument: those stand in the list of processes. The terminal shows nothing of it. */
async function askPassword(): Promise<string> {
	const { stdin, stderr } = process;
	if (!stdin.isTTY) {
		for await (const line of createInterface({ input: stdin, terminal: false })) return line;
		throw new RangeError("expected a password on the first line of input");
	}
	stderr.write("Password: ");
	stdin.setRawMode(true);
	let typed = "";
	for await (const chunk of stdin) {
		for (const character of String(chunk)) {
			if (character === "\u0003") process.exit(130);
			if (character === "\r" || character === "\n") {
				stdin.setRawMode(false);
				stderr.write("\n");
				stdin.unref();
				return typed;
			}
			typed = character === "\u007f" ? typed.slice(0, -1) : typed + character;
		}
	}
	return typed;
}

function cameraId(text: string): string {
	if (!CAMERA_ID.test(text))
		throw new InvalidArgumentError("Expected a camera's id: lower case letters, digits, dashes.");
	return text;
}

function duration(text: string): number {
	const [, amount, unit] = /^(\d{1,4})([mhd])$/.exec(text) ?? [];
	const ms = Number(amount) * UNITS[unit as keyof typeof UNITS];
	if (!(ms > 0) || ms > MAX_LINK_MS) throw new InvalidArgumentError("Expected 30m, 2h or 7d, at most 30d.");
	return ms;
}

function label(text: string): string {
	if (text.length > MAX_LABEL_CHARS) throw new InvalidArgumentError(`At most ${MAX_LABEL_CHARS} characters.`);
	return text;
}

function dataFolderOf({ dataFolder }: RelayConfig["access"]): string {
	return (
		dataFolder ?? fail("set DATA_DIR: without it links are kept by the running relay alone, see /operator")
	);
}

async function guarded(run: () => Promise<void>): Promise<void> {
	try {
		await run();
	} catch (cause) {
		if (!(cause instanceof RangeError)) throw cause;
		fail(wordsOf(cause));
	}
}

function fail(words: string): never {
	console.error(`relay: ${words}`);
	process.exit(EXIT_CONFIG);
}
