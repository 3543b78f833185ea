import { AV_CODEC_ID_MJPEG, AV_CODEC_ID_RAWVIDEO, type AVCodecID, type Packet } from "node-av";
import { localNow } from "#shared/clock.ts";
import type { Latest } from "#shared/latest.ts";
import { AvInput, type InputRequest } from "./av-input.ts";
import { Decoder } from "./decoder.ts";
import { LIMITS, type Limits } from "./limits.ts";
import { LiveDecode, type LivePacket } from "./live-decode.ts";
import { NewestSource } from "./newest-source.ts";
import { type OwnJpeg, ownJpeg } from "./own-jpeg.ts";
import type { RawFrame } from "./raw-frame.ts";
import type { SourceHooks } from "./source.ts";
import { SourceError } from "./source-error.ts";
import { redact, type SourceSpec } from "./source-spec.ts";
import { together } from "./together.ts";
import { openWebcam, webcamCaptureTime } from "./webcam.ts";

type AvSpec = Extract<SourceSpec, { kind: "rtsp" | "webcam" }>;

/** A live camera by way of FFmpeg: always read, so that its loss is noticed; decoded while somebody watches. */
export class AvSource extends NewestSource {
	readonly #spec: AvSpec;
	readonly #hooks: SourceHooks;
	readonly #limits: Limits;

	constructor(spec: AvSpec, hooks: SourceHooks, limits: Limits = LIMITS) {
		super();
		this.#spec = spec;
		this.#hooks = hooks;
		this.#limits = limits;
	}

	protected override async produce(newest: Latest<RawFrame>, signal: AbortSignal): Promise<void> {
		const spec = this.#spec;
		const input =
			spec.kind === "webcam"
				? await openWebcam(spec, signal, this.#limits)
				: await AvInput.open(rtspRequest(spec.url, this.#limits), signal);
		if (!input) return;
		try {
			const { codecpar } = input.stream;
			const decoder = await Decoder.open(codecpar, { live: true });
			try {
				const live = new LiveDecode(decoder, this.#hooks, {
					framesPerSecond: input.framesPerSecond,
					limits: this.#limits,
					onUndecodable: () => this.undecodable++,
				});
				// Of MJPEG it is told with the first picture, which says more.
				if (codecpar.width > 0 && codecpar.codecId !== AV_CODEC_ID_MJPEG) live.announce(codecpar, null);
				await together(
					signal,
					(lifetime) => this.#read(input, live, lifetime),
					(lifetime) => live.run(newest, lifetime),
				);
			} finally {
				decoder.close();
			}
		} finally {
			await input.close();
		}
	}

	async #read(input: AvInput, live: LiveDecode, signal: AbortSignal): Promise<void> {
		const { codecId } = input.stream.codecpar;
		while (!signal.aborted) {
			const packet = await input.read(signal);
			if (packet) live.backlog.offer(this.#livePacket(packet, codecId));
			else if (!signal.aborted) throw new SourceError("ended", `${input.name}: the camera ended the stream`);
		}
	}

	#livePacket(packet: Packet, codec: AVCodecID): LivePacket {
		const now = localNow();
		const isJpeg = codec === AV_CODEC_ID_MJPEG;
		let own: OwnJpeg | null | undefined;
		return {
			isKey: isJpeg || codec === AV_CODEC_ID_RAWVIDEO || packet.isKeyframe,
			byteLength: packet.size,
			captureTime: this.#spec.kind === "webcam" ? webcamCaptureTime(packet.pts, now) : now,
			packet: () => packet,
			own: () => {
				// Of a copy: the packet's own memory goes with it.
				if (own === undefined) own = isJpeg && packet.data ? ownJpeg(Buffer.from(packet.data)) : null;
				return own;
			},
			free: () => packet.free(),
		};
	}
}

function rtspRequest(url: string, limits: Limits): InputRequest {
	return {
		url,
		name: redact(url),
		format: "rtsp",
		probe: true,
		limits,
		options: {
			protocol_whitelist: "rtp,udp,tcp,tls", // no file, no http: a hostile answer cannot redirect to them
			allowed_media_types: "video",
			rtsp_flags: "prefer_tcp", // UDP loses pictures; a camera that knows nothing else is asked for it next
			buffer_size: String(1024 * 1024), // bytes, UDP: a key picture comes as one burst of packets
			timeout: String(limits.openMs * 2000), // microseconds; a second net: FFmpeg would call it invalid data
			analyzeduration: "2000000", // microseconds: the size is in the SDP or the first key picture
			fpsprobesize: "0", // pictures: a rate nobody stated is not worth seconds of measuring
		},
	};
}
