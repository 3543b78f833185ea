import { describe, expect, test } from "bun:test";
import { H264Encoder } from "../../agent/h264-encoder.ts";
import { spsSize } from "../../relay/sps-size.ts";
import { TestFrames } from "../support/test-frames.ts";

/** What the agent's own encoder says of pictures of this size. */
async function configOf(width: number, height: number): Promise<Uint8Array> {
	const encoder = new H264Encoder({ width, height, crf: 30, maxBps: 1_000_000 }, 25);
	using frames = new TestFrames({ width, height });
	using raw = frames.frame(0);
	const unit = await encoder.encode(raw, { key: true });
	encoder.close();
	return unit!.config!;
}

describe("the size in a stream's description", () => {
	test.each([
		[1280, 720],
		[1920, 1080],
		[640, 360],
		[426, 240],
		[854, 480],
		[270, 480],
		[64, 48],
	])("of %d x %d is what the encoder was given, in whole macroblocks", async (width, height) => {
		const whole = (side: number) => Math.ceil(side / 16) * 16;
		expect(spsSize(await configOf(width, height))).toEqual({
			coded: { width: whole(width), height: whole(height) },
			shown: { width, height },
		});
	});

	test("cut short anywhere, or of any other bytes, is none or a number, never an error", async () => {
		const config = await configOf(426, 240);
		for (let length = 0; length < 14; length++) expect(spsSize(config.subarray(0, length))).toBeNull();
		for (let at = 0; at < config.length; at++)
			for (let value = 0; value < 256; value++) {
				const size = spsSize(config.with(at, value));
				if (size) expect(size.coded.width % 16).toBe(0);
			}
	});
});
