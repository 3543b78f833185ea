import type { FrameHeader } from "#shared/frame.ts";
import { avcConfig } from "./avc-config.ts";
import { until } from "./until.ts";
import { WireAgent } from "./wire-agent.ts";

// Shaped as the relay checks them; nobody could decode them.
export const CONFIG = avcConfig({ width: 64, height: 48 });
export const IDR = Uint8Array.of(0, 0, 0, 4, 0x65, 1, 2, 3);
export const SLICE = Uint8Array.of(0, 0, 0, 2, 0x41, 9);

/** An agent of one 720p camera that numbers its H.264 frames as the wire asks for. */
export class VideoAgent extends WireAgent {
	readonly #seq = new Map<number, number>();

	sendVideo(rendition: number, kind: "key" | "delta", change: Partial<FrameHeader> = {}): FrameHeader {
		const seq = (this.#seq.get(rendition) ?? -1) + 1;
		this.#seq.set(rendition, seq);
		const isKey = kind === "key";
		const config = isKey ? CONFIG : null;
		return this.sendFrame(isKey ? IDR : SLICE, { rendition, codec: "h264", isKey, seq, config, ...change });
	}

	/** Keys it was asked for. */
	get keysAsked(): number[] {
		return this.messages.filter(({ type }) => type === "key").map(({ rendition }) => rendition as number);
	}

	async demanded(...renditions: number[]): Promise<void> {
		await until(() => this.demand?.renditions.join() === renditions.join(), {
			what: `demand for ${renditions.join()}`,
		});
	}
}
