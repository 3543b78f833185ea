import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ConfigError, readConfig, workerEnvironment } from "../../agent/config.ts";

let folder: string;
beforeAll(async () => {
	folder = await mkdtemp(join(tmpdir(), "sightline-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Writes a cameras file and returns its path. */
async function file(text: string): Promise<string> {
	const path = join(folder, `${Math.random().toString(36).slice(2)}.toml`);
	await Bun.write(path, text);
	return path;
}

function problems(environment: Record<string, string>): string {
	try {
		readConfig(environment);
	} catch (cause) {
		expect(cause).toBeInstanceOf(ConfigError);
		return (cause as Error).message;
	}
	throw new Error("nothing was refused");
}

describe("from the environment", () => {
	test("nothing set: the local relay, and the worker finds a camera", () => {
		expect(readConfig({})).toEqual({
			publishUrl: "ws://127.0.0.1:6732/publish",
			publishKeys: [],
			cameras: [{ id: "camera", name: "Camera", isNamed: false, spec: null }],
			mostCameras: 1,
			encoder: "software",
			logFormat: "text",
		});
	});

	test("keys come from the variable and from each camera of the file, every one once", async () => {
		const [one, two] = ["sk_one-0123456789abcdef", "sk_two-0123456789abcdef"];
		const path = await file(`[[camera]]\nid = "a"\nsource = "test:"\nkey = "${two}"\n`);
		const { publishKeys } = readConfig({ CAMERAS_FILE: path, RELAY_KEY: `${one}, ${two}` });
		expect(publishKeys).toEqual([one, two]);
		const words = problems({ RELAY_KEY: "canary ~ key" });
		expect(words).toContain("RELAY_KEY: expected a key");
		expect(words).not.toContain("canary");
	});

	test.each([
		["http://127.0.0.1:6732", "ws://127.0.0.1:6732/publish"],
		["https://cams.example.org", "wss://cams.example.org/publish"],
		["wss://cams.example.org/lab/", "wss://cams.example.org/lab/publish"],
		["ws://[::1]:1234/publish?x=1#y", "ws://[::1]:1234/publish"],
	])("RELAY_URL %s publishes at %s", (given, expected) => {
		expect(readConfig({ RELAY_URL: given }).publishUrl).toBe(expected);
	});

	test.each([
		["test:", "test-card", "Test card"],
		["/data/Hall 2.mp4", "hall-2", "Hall 2"],
		["rtsp://u:secret@10.0.0.7/stream", "10-0-0-7", "10.0.0.7"],
	])("CAMERA %s is called by what it is", (source, id, name) => {
		expect(readConfig({ CAMERA: source }).cameras[0]).toMatchObject({ id, name });
	});

	test("CAMERA_NAME names it, whatever the script", () => {
		expect(readConfig({ CAMERA: "test:", CAMERA_NAME: "Büro 2" }).cameras[0]).toMatchObject({
			id: "bu-ro-2",
		});
		expect(readConfig({ CAMERA: "test:", CAMERA_NAME: "実験室" }).cameras[0]).toMatchObject({ id: "camera" });
	});

	test.each([
		[{ CAMERA: "gopher://x" }, "CAMERA: unknown source"],
		[{ RELAY_URL: "nonsense" }, 'RELAY_URL="nonsense": expected an address'],
		[{ RELAY_URL: "ftp://x" }, "RELAY_URL"],
		[{ RELAY_URL: "ws://u:p@x" }, "RELAY_URL: must not contain a user"],
		[{ LOG_FORMAT: "xml" }, "LOG_FORMAT"],
		[{ ENCODER: "gpu" }, "ENCODER"],
		[{ CAMERA: "test:", CAMERAS_FILE: "x" }, "CAMERA and CAMERAS_FILE are both set"],
		[{ CAMERAS_FILE: "/nowhere/cameras.toml" }, "/nowhere/cameras.toml: CAMERAS_FILE: no such file"],
	])("%o is refused by name", (environment, expected) => {
		expect(problems(environment as Record<string, string>)).toContain(expected);
	});

	test("all that is wrong is said at once", () => {
		const all = problems({ CAMERA: "gopher://x", RELAY_URL: "nonsense", LOG_FORMAT: "xml" });
		for (const name of ["CAMERA", "RELAY_URL", "LOG_FORMAT"]) expect(all).toContain(name);
		expect(all.split("\n")).toHaveLength(3);
	});

	test("a name given without a source stays, whatever camera is found", () => {
		expect(readConfig({ CAMERA_NAME: "Bench 2" }).cameras[0]).toEqual({
			id: "bench-2",
			name: "Bench 2",
			isNamed: true,
			spec: null,
		});
	});

	test("a password in a source is never repeated", () => {
		expect(problems({ CAMERA: "gopher://user:hunter2@camera/" })).not.toContain("hunter2");
		expect(problems({ RELAY_URL: "htp://user:hunter2@relay/" })).not.toContain("hunter2");
	});
});

describe("from a file", () => {
	test("several cameras and their relay", async () => {
		const path = await file(`
relay = "https://cams.example.org"
[[camera]]
id = "bench-2"
name = "Bench 2"
source = "test:?size=640x480&fps=15"
[[camera]]
id = "door"
source = "rtsp://10.0.0.7/stream"
`);
		const config = readConfig({ CAMERAS_FILE: path });
		expect(config.publishUrl).toBe("wss://cams.example.org/publish");
		expect(config.cameras.map(({ id, name }) => [id, name])).toEqual([
			["bench-2", "Bench 2"],
			["door", "door"],
		]);
		expect(readConfig({ CAMERAS_FILE: path, RELAY_URL: "ws://other" }).publishUrl).toBe("ws://other/publish");
	});

	test.each([
		["[[camera]\n", "line 1:"],
		['[[camera]]\nid = "a"\nsource = 3 4\n', "line 3:"],
		['[[camera]]\nid = "Bench 2"\nsource = "test:"\n', "camera[0].id:"],
		['[[camera]]\nid = "a"\n', "camera[0].source:"],
		['[[camera]]\nid = "a"\nsource = "gopher:x"\n', "camera[0].source: unknown source"],
		['[[camera]]\nid = "a"\nsource = "test:"\nfps = 3\n', "fps"],
		["", "camera:"],
		["[[camera]]\nid='a'\nsource='test:'\n[[camera]]\nid='a'\nsource='test:'\n", 'id "a" stands there twice'],
		["relay = 'x'\n[[camera]]\nid='a'\nsource='test:'\n", 'relay="x"'],
	])("%j names file and place", async (text, expected) => {
		const path = await file(text);
		const message = problems({ CAMERAS_FILE: path });
		expect(message).toContain(path);
		expect(message).toContain(expected);
	});
});

test("the worker gets threads for every camera that may block one", () => {
	expect(workerEnvironment(1).UV_THREADPOOL_SIZE).toBe("8");
	expect(workerEnvironment(20).UV_THREADPOOL_SIZE).toBe("45");
});
