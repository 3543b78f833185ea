import { write } from "node:fs";
import { promisify } from "node:util";
import { flushLog, Log, logThrough, setLogFormat, wordsOf } from "#shared/log.ts";
import { Camera } from "./camera.ts";
import { CameraSet } from "./camera-set.ts";
import { type AgentConfig, type CameraConfig, ConfigError, readConfig } from "./config.ts";
import { EncodeSlots } from "./encode-slots.ts";
import { chooseCodec } from "./h264-probe.ts";
import { Pipeline } from "./pipeline.ts";
import type { SourceSpec } from "./source-spec.ts";
import { Uplink } from "./uplink.ts";
import type { RelayAddress } from "./uplink-session.ts";
import { listWebcams } from "./webcam.ts";

const ALIVE_MS = 500;
const ENCODES_AT_ONCE = 2;
const CLOSING_MS = 2_000; // a camera that is not closed by then is closed by the end of the process
const EXIT_HUNG = 75;
const EXIT_REPLACED = 76; // the supervisor knows it: no other worker is started
const TEST_CARD: SourceSpec = { kind: "test", width: 1280, height: 720, framesPerSecond: 30 };

// Runs the cameras; started by main.ts, which restarts it whenever native code ends it.
const log = new Log("agent");
const [instance] = process.argv.slice(2);
if (!instance || !process.send) throw new Error("agent/worker.ts is started by agent/main.ts");

const config = readConfig();
setLogFormat(config.logFormat);
logThrough(promisify(write));
const stopping = new AbortController();
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => stopping.abort());
process.on("disconnect", () => process.exit(0)); // the supervisor is gone: nobody may keep the camera
setInterval(() => process.send?.("alive"), ALIVE_MS);

const h264 = await chooseCodec(config.encoder);
const slots = new EncodeSlots(ENCODES_AT_ONCE);
const found: CameraConfig[] = [];
for (const given of config.cameras) found.push(given.spec ? given : await firstFound(given));
const set = new CameraSet(cameraOf, async (camera, cause) => {
	log.error("camera hangs in native code, starting anew", { camera: camera.id, cause: wordsOf(cause) });
	await flushLog();
	process.exit(EXIT_HUNG);
});
const uplink = new Uplink(relayOf(config), instance, () => set.cameras);
set.apply(found);
process.on("SIGHUP", readAnew);

const closed = Promise.withResolvers<void>();
stopping.signal.addEventListener("abort", () => {
	setTimeout(() => process.exit(0), CLOSING_MS);
	void set.stop().then(closed.resolve);
});
await uplink.run(stopping.signal);
if (!stopping.signal.aborted) {
	log.error("another agent publishes these cameras now: this one ends");
	await flushLog();
	process.exit(EXIT_REPLACED);
}
await closed.promise;
await flushLog();
process.exit(0);

function relayOf({ publishUrl, publishKeys }: AgentConfig): RelayAddress {
	return { url: publishUrl, keys: publishKeys };
}

/** Takes what the files say now, if all of it can be read; cameras that stay the same go on. */
function readAnew(): void {
	if (stopping.signal.aborted) return;
	try {
		const next = readConfig();
		const isFixed = next.cameras.some(({ spec }) => spec === null); // the webcam found at the start stays
		const change = set.apply(isFixed ? found : next.cameras);
		uplink.changed(relayOf(next));
		const words = Object.entries(change).map(([what, ids]) => [what, ids.join(" ") || null]);
		log.info("settings read anew", Object.fromEntries(words));
	} catch (cause) {
		if (!(cause instanceof ConfigError)) throw cause;
		for (const why of cause.message.split("\n"))
			log.error("settings not read anew, the old ones stay", { why });
	}
}

function cameraOf({ id, name, spec }: CameraConfig): Camera {
	const pipeline = new Pipeline(
		{
			admits: (intervalMs) => uplink.admits(intervalMs),
			admitsBehind: (intervalMs, frame) => uplink.admitsBehind(intervalMs, frame),
			send: (frame) => uplink.send(camera, frame),
		},
		{ slots, h264 },
	);
	const camera: Camera = new Camera(
		{ id, name, spec: spec ?? TEST_CARD },
		{ pipeline, onChange: () => uplink.tellCamera(camera) },
	);
	return camera;
}

/** Nobody said which camera: the first webcam, else the test card. */
async function firstFound(given: CameraConfig): Promise<CameraConfig> {
	const [webcam] = await listWebcams();
	if (!webcam) {
		log.info("no webcam found, showing the test card (CAMERA chooses another source)");
		return {
			...(given.isNamed ? given : { id: "test-card", name: "Test card" }),
			isNamed: true,
			spec: TEST_CARD,
		};
	}
	log.info("using the first webcam found", { webcam: webcam.name });
	return {
		...given,
		name: given.isNamed ? given.name : webcam.name.slice(0, 64) || "Webcam",
		spec: { kind: "webcam", device: webcam.id, size: null, framesPerSecond: null },
	};
}
