import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { processTree } from "../support/proc.ts";
import { type Running, startAgent, startRelay } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

let folder: string;
let path: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "reload-"));
	path = join(folder, "cameras.toml");
});
afterAll(() => rm(folder, { recursive: true }));

/** Writes the file: an id and a source each. */
const put = (cameras: Record<string, string>) =>
	writeFile(
		path,
		Object.entries(cameras)
			.map(([id, source]) => `[[camera]]\nid = "${id}"\nsource = "${source}"\n`)
			.join("\n"),
	);

const CARD = "test:?size=320x240&fps=20";
const OTHER = "test:?size=480x360&fps=20";

/** Sends SIGHUP and waits for the line that says how it went. */
async function reload(agent: Running, line: RegExp): Promise<string> {
	const before = agent.lineCount;
	agent.kill("SIGHUP");
	return await agent.waitForLine(line, 10_000, before);
}

function watch(viewer: WireClient, ...ids: string[]): void {
	viewer.say({
		type: "watch",
		mode: "balanced",
		codecs: ["jpeg", "h264"],
		rememberedBps: null,
		cameras: ids.map((id) => ({
			id,
			rendition: null,
			maxLines: 240,
			maxFramesPerSecond: null,
			isFocused: false,
		})),
	});
}

test("SIGHUP adds, changes and removes cameras; one that stays goes on without a gap or a new key", async () => {
	await put({ stays: CARD, changes: CARD, leaves: CARD });
	await using relay = await startRelay();
	await using agent = startAgent({ relayUrl: relay.url, env: { CAMERAS_FILE: path } });
	await agent.waitForLine(/publishing/);
	const list = async () =>
		(await (await fetch(`${relay.url}/api/cameras`)).json()) as {
			id: string;
			state: string;
			source: { width: number } | null;
		}[];
	await until(async () => (await list()).every(({ state }) => state === "live"), {
		what: "three live cameras",
	});
	using viewer = new WireClient(`${relay.url}/watch`);
	await until(() => viewer.messages.some(({ type }) => type === "cameras"), { what: "the cameras" });
	watch(viewer, "stays");
	await until(() => viewer.frameCount > 10, { what: "pictures" });
	const worker = processTree(agent.pid);

	await put({ stays: CARD, changes: OTHER, comes: CARD });
	const said = await reload(agent, /settings read anew/);
	expect(said).toContain("added=comes changed=changes removed=leaves");
	await until(
		async () => {
			const told = (await list()).map(({ id, state, source }) => [id, state, source?.width].join(" "));
			return told.sort().join(", ") === "changes live 480, comes live 320, stays live 320";
		},
		{ what: "the new list" },
	);
	const count = viewer.frameCount;
	await until(() => viewer.frameCount > count + 10, { what: "more pictures" });
	const frames = viewer.frames.filter(({ header }) => header.codec === "h264");
	const first = frames[0]!.header;
	expect(frames.length).toBeGreaterThan(15);
	expect(frames.map(({ header }) => [header.epoch, header.seq])).toEqual(
		frames.map((_, i) => [first.epoch, first.seq + i]),
	);
	expect(frames.filter(({ header }) => header.isKey).length).toBe(1);
	expect(viewer.closed).toBeNull();
	expect(processTree(agent.pid)).toEqual(worker);
});

test("a file that cannot be read is refused with its words, the cameras stay, and the next one counts", async () => {
	await put({ door: CARD });
	await using relay = await startRelay();
	await using agent = startAgent({ relayUrl: relay.url, env: { CAMERAS_FILE: path } });
	await agent.waitForLine(/camera live/);
	await agent.waitForLine(/publishing/);
	await writeFile(path, '[[camera]]\nid = "door"\nsource = "gopher://x"\n');
	const refused = await reload(agent, /settings not read anew, the old ones stay/);
	expect(refused).toContain("camera[0].source: unknown source");
	const ids = async () =>
		((await (await fetch(`${relay.url}/api/cameras`)).json()) as { id: string; state: string }[])
			.map(({ id, state }) => `${id} ${state}`)
			.join();
	expect(await ids()).toBe("door live");
	await put({ gate: CARD });
	await reload(agent, /settings read anew added=gate removed=door/);
	await until(async () => (await ids()) === "gate live", { what: "the other camera" });
});

test("another relay in the file: the agent moves there", async () => {
	await using first = await startRelay();
	await using second = await startRelay();
	const head = (url: string) => `relay = "${url}"\n[[camera]]\nid = "door"\nsource = "${CARD}"\n`;
	await writeFile(path, head(first.url));
	await using agent = startAgent({ relayUrl: "", env: { CAMERAS_FILE: path, RELAY_URL: undefined } });
	await first.waitForLine(/agent publishes cameras=door/);
	await writeFile(path, head(second.url));
	agent.kill("SIGHUP");
	await second.waitForLine(/agent publishes cameras=door/);
	await first.waitForLine(/agent gone/);
});
