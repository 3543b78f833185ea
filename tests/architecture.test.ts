import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { Glob } from "bun";

const ROOT = resolve(import.meta.dir, "..");
const ROOMS = ["shared", "agent", "relay", "viewer"] as const;
const MAY_IMPORT: Record<(typeof ROOMS)[number], readonly string[]> = {
	shared: ["shared"],
	agent: ["agent", "shared"],
	relay: ["relay", "shared"],
	viewer: ["viewer", "shared"],
};
// Which files may know which package; a trailing * stands for any file of the room.
const PACKAGES: Record<string, readonly string[]> = {
	elysia: ["relay/server.ts", "relay/tools/routes.ts"],
	sharp: ["agent/jpeg-encoder.ts"],
	"node-av": [
		"agent/av-*",
		"agent/*-source.ts",
		"agent/decoder.ts",
		"agent/h264-codec.ts",
		"agent/h264-encoder.ts",
		"agent/live-decode.ts",
		"agent/quiet-av.ts",
		"agent/raw-frame.ts",
		"agent/scaler.ts",
		"agent/webcam*.ts",
	],
	commander: ["agent/main.ts", "relay/main.ts", "relay/access/commands.ts"],
	jose: ["relay/access/tokens.ts"],
	zod: ["agent/config.ts", "relay/config.ts"],
	"smol-toml": ["agent/config.ts"],
	svelte: ["viewer/**"],
	mediabunny: ["viewer/studio/recorder.ts"],
	vite: ["viewer/vite.config.ts", "viewer/element/vite.config.ts"],
	"@sveltejs/vite-plugin-svelte": ["viewer/vite.config.ts", "viewer/element/vite.config.ts"],
};
const MAX_LINES = 320; // about 200 is the aim: a file that grows past this does more than one thing

interface Source {
	path: string;
	room: (typeof ROOMS)[number];
	text: string;
	imports: string[];
}

const sources: Source[] = ROOMS.flatMap((room) =>
	[...new Glob(`${room}/**/*.{ts,svelte}`).scanSync(ROOT)]
		.filter((path) => !path.includes("/dist/"))
		.map((path) => {
			const text = readFileSync(join(ROOT, path), "utf8");
			const imports = [...text.matchAll(/(?:from|import)\s*\(?\s*"([^"]+)"/g)].map(([, name]) => name!);
			return { path, room, text, imports };
		}),
);

function roomOf(path: string, name: string): string {
	if (name.startsWith("#shared/")) return "shared";
	return relative(ROOT, resolve(ROOT, dirname(path), name)).split("/")[0]!;
}

function withoutComments(text: string): string {
	return text.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, "");
}

const isLocal = (name: string) => name.startsWith(".") || name.startsWith("#");

test("there is something to look at", () => {
	for (const room of ROOMS)
		expect(sources.filter((source) => source.room === room).length).toBeGreaterThan(5);
});

describe.each(ROOMS)("%s", (room) => {
	test(`imports only ${MAY_IMPORT[room].join(" and ")}`, () => {
		const strays = sources
			.filter((source) => source.room === room)
			.flatMap(({ path, imports }) =>
				imports
					.filter((name) => isLocal(name) && !MAY_IMPORT[room].includes(roomOf(path, name)))
					.map((name) => `${path} imports ${name}`),
			);
		expect(strays).toEqual([]);
	});
});

test("every package is imported only where it is allowed", () => {
	const strays = sources.flatMap(({ path, imports }) =>
		imports
			.filter((name) => !isLocal(name) && !/^(node:|bun$|bun:|vite\/)/.test(name))
			.map((name) => (name.startsWith("@") ? name.split("/").slice(0, 2).join("/") : name.split("/")[0]!))
			.filter((name) => !PACKAGES[name]?.some((allowed) => new Glob(allowed).match(path)))
			.map((name) => `${path} imports ${name}`),
	);
	expect(strays).toEqual([]);
});

test("shared imports no platform: it runs in a browser, a Worker and Bun alike", () => {
	const strays = sources
		.filter(({ room }) => room === "shared")
		.flatMap(({ path, text, imports }) =>
			[
				...imports.filter((name) => !isLocal(name)),
				...(withoutComments(text).match(/\b(?:Bun|Buffer|process|document|window)\./g) ?? []),
			].map((name) => `${path}: ${name}`),
		);
	expect(strays).toEqual([]);
});

test("the environment is read only by config.ts", () => {
	const strays = sources.filter(
		({ path, text }) =>
			!path.endsWith("/config.ts") && /\b(?:Bun|process)\.env\b|import\.meta\.env/.test(text),
	);
	expect(strays.map(({ path }) => path)).toEqual([]);
});

test("no text from outside becomes HTML", () => {
	const strays = sources.filter(({ text }) =>
		/\{@html|innerHTML|insertAdjacentHTML|document\.write/.test(text),
	);
	expect(strays.map(({ path }) => path)).toEqual([]);
});

test("no file does two things", () => {
	const long = sources.filter(({ text }) => text.split("\n").length > MAX_LINES);
	expect(long.map(({ path, text }) => `${path}: ${text.split("\n").length}`)).toEqual([]);
});
