import sharp from "sharp";
import { localNow } from "#shared/clock.ts";
import { encodeHeader, type FrameHeader } from "#shared/frame.ts";
import { renditionsFor } from "#shared/ladder.ts";
import { type Habits, WireClient } from "./wire-client.ts";

const SIZE = { width: 64, height: 48 };

/** A small real JPEG of one colour. */
export async function smallJpeg(size = SIZE, background = "#336699"): Promise<Buffer> {
	return await sharp({ create: { ...size, channels: 3, background } })
		.jpeg()
		.toBuffer();
}

/** An agent of one camera, played by a test: says what a real one says, frames when the test wants. */
export class WireAgent extends WireClient {
	readonly id: string;
	#channel = 0;
	#delivery = 0;
	#epoch = 1;

	constructor(relayUrl: string, id: string, habits: Habits = {}) {
		super(`${relayUrl}/publish`, habits);
		this.id = id;
	}

	/** Introduces itself and its camera, live at 64x48; resolves once the relay has given it a channel. */
	async publish(instance = `instance of ${this.id}`, name = this.id): Promise<this> {
		await this.heard("welcome");
		this.say({ type: "publish", instance, cameras: [{ id: this.id, name }] });
		const { cameras } = await this.heard("channels");
		const [given] = cameras as { channel: number; epoch: number }[];
		this.#channel = given!.channel;
		this.#epoch = given!.epoch + 1;
		this.live();
		return this;
	}

	/** Says that the camera is live in this size. */
	live(size = SIZE): void {
		this.say({
			type: "camera",
			id: this.id,
			state: "live",
			reason: null,
			detail: null,
			source: { ...size, framesPerSecond: 30 },
			renditions: renditionsFor(size),
		});
	}

	/** Sends one frame; `change` overrides header fields. Returns the header as sent. */
	sendFrame(body: Uint8Array, change: Partial<FrameHeader> = {}): FrameHeader {
		const header: FrameHeader = {
			channel: this.#channel,
			rendition: 0,
			codec: "jpeg",
			isKey: true,
			isCached: false,
			epoch: this.#epoch,
			seq: this.#delivery,
			delivery: this.#delivery++,
			bodyBytes: body.length,
			...SIZE,
			captureTime: localNow(),
			encodeMs: 1,
			relayTime: 0,
			sendTime: localNow(),
			config: null,
			...change,
		};
		this.send(encodeHeader(header), body);
		return header;
	}

	/** The newest demand, as rendition ids of its camera; null before the first. */
	get demand(): { version: number; renditions: number[] } | null {
		const last = this.messages.filter(({ type }) => type === "demand").at(-1);
		if (!last) return null;
		const cameras = last.cameras as { id: string; renditions: number[] }[];
		return {
			version: last.version as number,
			renditions: cameras.find(({ id }) => id === this.id)?.renditions ?? [],
		};
	}

	/** Confirms the newest demand. */
	confirm(): void {
		this.say({ type: "have", version: this.demand?.version });
	}
}
