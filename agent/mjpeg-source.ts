import { AV_CODEC_ID_MJPEG, AVMEDIA_TYPE_VIDEO, CodecParameters, Packet } from "node-av";
import { localNow } from "#shared/clock.ts";
import type { Latest } from "#shared/latest.ts";
import { Decoder } from "./decoder.ts";
import { openHttp } from "./http-input.ts";
import { JpegCutter } from "./jpeg-cutter.ts";
import { jpegSize } from "./jpeg-header.ts";
import { isAcceptableSize, LIMITS, type Limits } from "./limits.ts";
import { LiveDecode, type LivePacket } from "./live-decode.ts";
import { NewestSource } from "./newest-source.ts";
import { type OwnJpeg, ownJpeg } from "./own-jpeg.ts";
import type { RawFrame } from "./raw-frame.ts";
import type { SourceHooks } from "./source.ts";
import { SourceError } from "./source-error.ts";
import { redact, type SourceSpec } from "./source-spec.ts";
import { together } from "./together.ts";

type MjpegSpec = Extract<SourceSpec, { kind: "mjpeg" }>;

/** A camera that serves MJPEG over HTTP. Read by fetch: the first picture is there 250 ms sooner than by FFmpeg. */
export class MjpegSource extends NewestSource {
	readonly #url: string;
	readonly #name: string;
	readonly #hooks: SourceHooks;
	readonly #limits: Limits;

	constructor(spec: MjpegSpec, hooks: SourceHooks, limits: Limits = LIMITS) {
		super();
		this.#url = spec.url;
		this.#name = redact(spec.url);
		this.#hooks = hooks;
		this.#limits = limits;
	}

	protected override async produce(newest: Latest<RawFrame>, signal: AbortSignal): Promise<void> {
		const decoder = await Decoder.open(mjpegParameters(), { live: true });
		try {
			const live = new LiveDecode(decoder, this.#hooks, {
				framesPerSecond: null,
				limits: this.#limits,
				onUndecodable: () => this.undecodable++,
			});
			await together(
				signal,
				(lifetime) => this.#read(live, lifetime),
				(lifetime) => live.run(newest, lifetime),
			);
		} finally {
			decoder.close();
		}
	}

	async #read(live: LiveDecode, signal: AbortSignal): Promise<void> {
		const { badDataMs } = this.#limits;
		const cutter = new JpegCutter();
		let pictureTime = localNow();
		for await (const chunk of openHttp(this.#url, signal, this.#limits)) {
			const now = localNow();
			const broken = cutter.broken;
			for (const jpeg of cutter.push(chunk)) {
				// Read before anything decodes it: a header may claim 65500x65500.
				const size = jpegSize(jpeg);
				if (!size || !isAcceptableSize(size.width, size.height)) {
					this.undecodable++;
					continue;
				}
				pictureTime = now;
				// While somebody watches, the size is told with the first picture of that size.
				const packet = livePacket(jpeg, now);
				if (!this.#hooks.wanted()) live.announce(size, packet);
				live.backlog.offer(packet);
			}
			this.undecodable += cutter.broken - broken;
			if (now - pictureTime > badDataMs) {
				throw new SourceError(
					"bad-data",
					`${this.#name}: ${badDataMs / 1000} s of data without one JPEG in it`,
				);
			}
		}
		if (!signal.aborted) throw new SourceError("ended", `${this.#name}: the server ended the stream`);
	}
}

function mjpegParameters(): CodecParameters {
	const parameters = new CodecParameters();
	parameters.alloc();
	parameters.codecType = AVMEDIA_TYPE_VIDEO;
	parameters.codecId = AV_CODEC_ID_MJPEG;
	return parameters;
}

/** Becomes a packet only when it is decoded: with nobody watching a picture is not copied again. */
function livePacket(jpeg: Buffer, captureTime: number): LivePacket {
	let packet: Packet | null = null;
	let own: OwnJpeg | null | undefined;
	return {
		isKey: true,
		byteLength: jpeg.length,
		captureTime,
		packet: () => {
			packet = new Packet();
			packet.alloc();
			packet.data = jpeg;
			return packet;
		},
		own: () => {
			if (own === undefined) own = ownJpeg(jpeg);
			return own;
		},
		free: () => packet?.free(),
	};
}
