import { jpegSize } from "../../relay/jpeg-size.ts";
import type { MjpegServer } from "./mjpeg-server.ts";
import { Mutator } from "./mutate.ts";
import { until } from "./until.ts";
import { smallJpeg, type WireAgent } from "./wire-agent.ts";
import type { ReceivedFrame } from "./wire-client.ts";

const WINDOW = 32; // frames under way to the relay
const GOOD_EVERY = 10;

/** A delivered picture that is not what its header says: null while there was none. */
export function lieOf({ header, body }: ReceivedFrame): string | null {
	const size = jpegSize(body);
	if (size?.width === header.width && size.height === header.height) return null;
	return `${size?.width}x${size?.height} delivered as ${header.width}x${header.height}`;
}

/** Sends `count` broken JPEGs to a relay as an agent would, all acknowledged by the end. */
export async function sendBroken(agent: WireAgent, count: number, seed: number): Promise<void> {
	const mutator = new Mutator(seed);
	const jpeg = await smallJpeg();
	const before = agent.acks;
	for (let sent = 0; sent < count; sent++) {
		await until(() => sent - (agent.acks - before) < WINDOW, { what: "acks", intervalMs: 1 });
		const body = mutator.bytes(jpeg);
		agent.sendFrame(body.length > 0 ? body : jpeg);
	}
	await until(() => agent.acks - before === count, { what: "every frame to be acknowledged" });
}

/** Serves `count` broken JPEGs as a network camera would, one whole one in ten; resolves when a viewer took them. */
export async function serveBroken(camera: MjpegServer, count: number, seed: number): Promise<void> {
	const mutator = new Mutator(seed);
	const jpeg = await smallJpeg({ width: 320, height: 180 });
	for (let i = 0; i < count; i++) {
		camera.sendPart(i % GOOD_EVERY === 0 ? jpeg : mutator.bytes(jpeg));
		if (i % GOOD_EVERY === 0) await Bun.sleep(1); // the camera's pace: a thousand pictures are read each second
	}
}
