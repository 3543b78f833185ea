// CPU of the whole agent by what is in demand, in turns so that the machine's other work falls on all alike.
// The camera serves MJPEG over HTTP, a still scene with moving things and a sensor's noise; or what --source says.
import { ladderOf, renditionName } from "#shared/ladder.ts";
import { encodeJpeg } from "../../agent/jpeg-encoder.ts";
import { RawFrame } from "../../agent/raw-frame.ts";
import { Scaler } from "../../agent/scaler.ts";
import { DemandingRelay } from "../support/demanding-relay.ts";
import { MjpegServer } from "../support/mjpeg-server.ts";
import { cpuMs, processTree } from "../support/proc.ts";
import { startAgent } from "../support/processes.ts";
import { numberOption, report, rounded, textOption } from "./report.ts";
import { drawnScene, Noise } from "./scene.ts";

const rounds = numberOption("rounds", 4);
const seconds = numberOption("seconds", 6);
const sigma = numberOption("noise", 2.3); // of 255: a camera by day
const SIZE = { width: 1280, height: 720 };
const RATE = 30;
const CAMERA_QUALITY = 85;
const SETTLING_MS = 1_000; // encoders opened, the first key gone

const pictures = await cameraPictures();
await using camera = new MjpegServer({ ...SIZE, framesPerSecond: RATE });
camera.silent = true; // it draws nothing itself
let shown = 0;
const showing = setInterval(() => camera.sendPart(pictures[shown++ % pictures.length]!), 1000 / RATE);
await using relay = new DemandingRelay();
await using agent = startAgent({ relayUrl: relay.url, camera: textOption("source") ?? camera.url });
relay.demand(6);
await relay.frame(() => true);
const top = ladderOf(relay.renditions, "jpeg").at(-1)!.id; // the camera's own JPEGs where it gives any
// See shared/ladder.ts: 6 is q50, 204 the best H.264.
const DEMANDS = [[], [6], [204], [5, 6], [6, 204], [3, 6], [3, 202], [top], [3, top]];

const used = DEMANDS.map(() => ({ cpu: 0, frames: 0, bytes: 0, shown: 0 }));
for (let round = 0; round < rounds; round++) for (const index of DEMANDS.keys()) await measure(index);
clearInterval(showing);

const rows = DEMANDS.map((ids, index) => {
	const { cpu, frames, bytes, shown: given } = used[index]!;
	return {
		demand: ids.map(nameOf).join(" + ") || "nothing",
		cpuMsAFrame: rounded(cpu / given, 2), // of the camera, the same for all
		corePercent: rounded(cpu / (rounds * seconds * 10)),
		sentOfTen: rounded((10 * frames) / (given * Math.max(1, ids.length))),
		kbps: Math.round((bytes * 8) / (rounds * seconds * 1000)),
	};
});
report(rows, { bench: "agent", source: SIZE, framesPerSecond: RATE, sigma, rounds, seconds, rows });

async function measure(index: number): Promise<void> {
	relay.demand(...DEMANDS[index]!);
	await Bun.sleep(SETTLING_MS);
	const tree = processTree(agent.pid);
	const before = { cpu: cpuMs(...tree), frames: relay.frameCount, bytes: relay.bodyBytes, shown };
	await Bun.sleep(seconds * 1000);
	const sum = used[index]!;
	sum.cpu += cpuMs(...tree) - before.cpu;
	sum.frames += relay.frameCount - before.frames;
	sum.bytes += relay.bodyBytes - before.bytes;
	sum.shown += shown - before.shown;
}

function nameOf(id: number): string {
	return renditionName(relay.renditions.find((rendition) => rendition.id === id)!);
}

async function cameraPictures(): Promise<Uint8Array[]> {
	const noise = new Noise(sigma);
	const scaler = new Scaler();
	const made: Uint8Array[] = [];
	for (const frame of drawnScene(SIZE, { frames: 2 * RATE, framesPerSecond: RATE })) {
		using raw = new RawFrame(noise.added(frame), 0, scaler);
		frame.free();
		made.push(await encodeJpeg(raw, { ...SIZE, quality: CAMERA_QUALITY }));
	}
	scaler.close();
	return made;
}
