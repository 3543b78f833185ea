import { describe, expect, test } from "bun:test";
import sharp from "sharp";
import { isOwn, ladderFor, ladderOf } from "#shared/ladder.ts";
import type { ToViewerMessage } from "#shared/protocol.ts";
import { HUFFMAN_TABLES } from "../../agent/huffman-tables.ts";
import { DemandingRelay } from "../support/demanding-relay.ts";
import { MjpegServer } from "../support/mjpeg-server.ts";
import { startAgent, startRelay } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";

type Message = Extract<ToViewerMessage, { type: "cameras" }>;

const SIZE = { width: 640, height: 360 };
const NOISE = { type: "gaussian" as const, mean: 128, sigma: 20 };
const SMALL = 0;

/** Twenty different pictures as a camera with the standard Huffman tables encodes them. */
const pictures = await Promise.all(
	Array.from({ length: 20 }, () =>
		sharp({ create: { ...SIZE, channels: 3, background: "#808080", noise: NOISE } })
			.jpeg({ quality: 85, optimiseCoding: false })
			.toBuffer(),
	),
);

/** A camera that shows `shown` again and again until it is disposed of; it draws nothing itself. */
function cameraOf(shown: readonly Uint8Array[]) {
	const server = new MjpegServer(SIZE);
	server.silent = true;
	let sent = 0;
	const showing = setInterval(() => server.sendPart(shown[sent++ % shown.length]!), 40);
	return {
		url: server.url,
		async [Symbol.asyncDispose]() {
			clearInterval(showing);
			await server[Symbol.asyncDispose]();
		},
	};
}

async function ownRung(relay: DemandingRelay) {
	return await until(() => relay.renditions.find(isOwn), {
		what: "the camera's own rung",
		timeoutMs: 20_000,
	});
}

describe("an agent whose camera gives JPEGs", () => {
	test("offers them as the top rung and passes them on, beside what it makes of them", async () => {
		await using camera = cameraOf(pictures);
		await using relay = new DemandingRelay();
		await using _agent = startAgent({ relayUrl: relay.url, camera: camera.url });
		const own = await ownRung(relay);
		const ladder = ladderOf(relay.renditions, "jpeg");
		expect(own).toMatchObject({ id: ladder.length - 1, ...SIZE, quality: 85 });
		expect(ladder.slice(0, -1)).toEqual(ladderFor(SIZE).slice(0, own.id));

		relay.demand(own.id);
		await until(() => relay.frameCount >= 2 * pictures.length, { what: "frames" });
		expect(new Set(relay.frames.map(({ header }) => header.rendition))).toEqual(new Set([own.id]));
		for (const { body } of relay.frames) expect(pictures.some((picture) => picture.equals(body))).toBe(true);

		relay.demand(SMALL, own.id);
		const small = await relay.frame(({ header }) => header.rendition === SMALL);
		const { width, height } = relay.renditions[SMALL]!;
		expect(await sharp(small.body).metadata()).toMatchObject({ format: "jpeg", width, height });
		const isSame = ({ header, body }: (typeof relay.frames)[number]) =>
			header.captureTime === small.header.captureTime && pictures.some((picture) => picture.equals(body));
		await relay.frame(isSame);

		relay.demand();
		await relay.confirmed();
		const stats = await until(() => (countsAll(relay) ? relay.stats : null), {
			what: "counters of all frames",
		});
		expect(stats.renditions.map(({ notEncoded, refused }) => notEncoded + refused)).toEqual([0, 0]);
	});

	test("decodes nothing while only they are wanted: one no decoder takes is passed on, and never beside others", async () => {
		const broken = Buffer.from(pictures[0]!);
		broken.fill(0x55, broken.indexOf(Buffer.from("ffda", "hex")) + 14, broken.length - 2);
		await using camera = cameraOf([...pictures.slice(0, 2), broken]);
		await using relay = new DemandingRelay();
		await using _agent = startAgent({ relayUrl: relay.url, camera: camera.url });
		const own = await ownRung(relay);
		relay.demand(own.id);
		await relay.frame(({ body }) => broken.equals(body));
		relay.demand(SMALL, own.id);
		await relay.frame(({ header }) => header.rendition === SMALL);
		const before = relay.frameCount;
		await until(() => relay.frameCount >= before + 30, { what: "frames" });
		expect(relay.frames.slice(before).some(({ body }) => broken.equals(body))).toBe(false);
	});

	test("puts in the Huffman tables a camera leaves out", async () => {
		const bare = pictures.map((picture) => {
			const at = picture.indexOf(Buffer.from("ffc4", "hex"));
			const scan = picture.indexOf(Buffer.from("ffda", "hex"));
			expect(HUFFMAN_TABLES.equals(picture.subarray(at, scan))).toBe(true);
			return Buffer.concat([picture.subarray(0, at), picture.subarray(scan)]);
		});
		await using camera = cameraOf(bare);
		await using relay = new DemandingRelay();
		await using _agent = startAgent({ relayUrl: relay.url, camera: camera.url });
		relay.demand((await ownRung(relay)).id);
		const { body } = await relay.frame(() => true);
		expect(pictures.some((picture) => picture.equals(body))).toBe(true);
	});

	test("a viewer gets them from a real relay as they came", async () => {
		await using camera = cameraOf(pictures);
		await using relay = await startRelay();
		await using _agent = startAgent({ relayUrl: relay.url, camera: camera.url });
		using viewer = new WireClient(`${relay.url}/watch`);
		const isOffered = ({ cameras }: Message) => cameras[0]?.renditions.some(isOwn) ?? false;
		const told = await viewer.heard("cameras", (message) => isOffered(message as unknown as Message));
		const { id, renditions } = (told as unknown as Message).cameras[0]!;
		const own = renditions.find(isOwn)!;
		viewer.watch({ [id]: own.id });
		const frames = () => viewer.frames.filter(({ header }) => header.rendition === own.id);
		await until(() => frames().length >= 10, { what: "frames of the own rung" });
		for (const { body } of frames()) expect(pictures.some((picture) => picture.equals(body))).toBe(true);
		expect(frames()[0]!.header).toMatchObject({ ...SIZE, codec: "jpeg", isKey: true });
	});

	test("offers none where browsers would show them otherwise", async () => {
		const turned = await sharp(pictures[0]).withMetadata({ orientation: 6 }).jpeg().toBuffer();
		await using camera = cameraOf([turned]);
		await using relay = new DemandingRelay();
		await using _agent = startAgent({ relayUrl: relay.url, camera: camera.url });
		await until(() => relay.renditions.length > 0, { what: "renditions", timeoutMs: 20_000 });
		expect(ladderOf(relay.renditions, "jpeg")).toEqual(ladderFor(SIZE));
	});
});

/** Whether the agent has told of every frame that came. */
function countsAll({ stats, frameCount }: DemandingRelay): boolean {
	return stats?.renditions.reduce((sum, { encoded }) => sum + encoded, 0) === frameCount;
}
