import { EncodedPacket, EncodedVideoPacketSource, Mp4OutputFormat, Output, StreamTarget } from "mediabunny";
import type { Size } from "#shared/ladder.ts";
import type { Picture } from "../picture.ts";
import { BlobFile } from "./blob-file.ts";
import { sizeOf } from "./image-size.ts";

const KEY_INTERVAL_US = 2_000_000; // a player jumps to any second or the one before
const MAX_QUEUED = 4; // an encoder this far behind would not catch up by waiting
const BITS_PER_PIXEL = 0.12; // of a frame; the JPEGs it is made from have about ten times that
const CODECS = [
	{ name: "avc", strings: ["avc1.640033", "avc1.4d0033", "avc1.42e033"] },
	{ name: "vp9", strings: ["vp09.00.41.08"] },
] as const;

/** What a recording is made as; sides are even. */
export interface RecordingPlan extends Size {
	framesPerSecond: number;
}

/** How far a recording is. */
export interface RecordingProgress {
	/** From the first to the last picture, by capture. */
	elapsedMs: number;
	bytes: number;
	/** Pictures written. */
	frames: number;
	/** Pictures the encoder had no time for. */
	dropped: number;
}

/** Encodes the pictures of one camera into an MP4 file whose times are those of the captures. */
export class Recorder {
	readonly progress: RecordingProgress = { elapsedMs: 0, bytes: 0, frames: 0, dropped: 0 };
	readonly #plan: RecordingPlan;
	readonly #encoder: VideoEncoder;
	readonly #source: EncodedVideoPacketSource;
	readonly #output: Output;
	readonly #file = new BlobFile();
	#sheet: OffscreenCanvas | HTMLCanvasElement | null = null;
	#written: Promise<unknown> = Promise.resolve();
	#firstTime: number | null = null; // µs
	#lastTime = Number.NEGATIVE_INFINITY;
	#lastKeyTime = Number.NEGATIVE_INFINITY;
	#fault: Error | null = null;

	/** Throws where the browser encodes nothing an MP4 may hold. */
	static async start(plan: RecordingPlan): Promise<Recorder> {
		const choice = await findCodec(plan);
		if (!choice) throw new Error("This browser encodes no video.");
		const recorder = new Recorder(plan, choice.name);
		recorder.#encoder.configure(choice.config);
		await recorder.#output.start();
		return recorder;
	}

	private constructor(plan: RecordingPlan, codec: "avc" | "vp9") {
		this.#plan = plan;
		this.#source = new EncodedVideoPacketSource(codec);
		const writable = new WritableStream<{ data: Uint8Array<ArrayBuffer>; position: number }>({
			write: ({ position, data }) => this.#file.write(position, data),
		});
		this.#output = new Output({
			format: new Mp4OutputFormat({ fastStart: false }),
			target: new StreamTarget(writable, { chunked: true }),
		});
		this.#output.addVideoTrack(this.#source);
		this.#encoder = new VideoEncoder({
			output: (chunk, meta) => this.#write(chunk, meta),
			error: (cause) => this.#fail(cause),
		});
	}

	/** Takes a copy of the picture. Throws what went wrong with the ones before. */
	offer(picture: Picture): void {
		if (this.#fault) throw this.#fault;
		const time = Math.round(picture.header.captureTime * 1000);
		if (time <= this.#lastTime) return;
		if (this.#encoder.encodeQueueSize >= MAX_QUEUED) {
			this.progress.dropped++;
			return;
		}
		this.#firstTime ??= time;
		this.#lastTime = time;
		const keyFrame = time - this.#lastKeyTime >= KEY_INTERVAL_US;
		if (keyFrame) this.#lastKeyTime = time;
		const frame = this.#frameOf(picture, time - this.#firstTime);
		this.#encoder.encode(frame, { keyFrame });
		frame.close();
		this.progress.elapsedMs = (time - this.#firstTime) / 1000;
	}

	/** The whole file; null where no picture came. Throws what went wrong. */
	async finish(): Promise<Blob | null> {
		try {
			if (this.#encoder.state === "configured") await this.#encoder.flush();
			await this.#written;
			if (this.#fault) throw this.#fault;
			if (this.progress.frames === 0) {
				await this.#output.cancel();
				return null;
			}
			await this.#output.finalize();
			return this.#file.finish("video/mp4");
		} finally {
			if (this.#encoder.state !== "closed") this.#encoder.close();
		}
	}

	/** A picture in the recording's size, whatever rendition it is of. */
	#frameOf({ image }: Picture, timestamp: number): VideoFrame {
		const { width, height, framesPerSecond } = this.#plan;
		const init = { timestamp, duration: Math.round(1_000_000 / framesPerSecond) };
		const size = sizeOf(image);
		if (size.width === width && size.height === height) return new VideoFrame(image, init);
		this.#sheet ??= sheetOf(this.#plan);
		const context = this.#sheet.getContext("2d", { alpha: false }) as CanvasRenderingContext2D;
		const scale = Math.min(width / size.width, height / size.height);
		const [w, h] = [size.width * scale, size.height * scale];
		context.drawImage(image, (width - w) / 2, (height - h) / 2, w, h);
		return new VideoFrame(this.#sheet, init);
	}

	#write(chunk: EncodedVideoChunk, meta: EncodedVideoChunkMetadata | undefined): void {
		this.progress.frames++;
		this.progress.bytes += chunk.byteLength;
		this.#written = this.#source.add(EncodedPacket.fromEncodedChunk(chunk), meta);
		this.#written.catch((cause) => this.#fail(cause));
	}

	#fail(cause: unknown): void {
		this.#fault ??= cause instanceof Error ? cause : new Error(String(cause));
	}
}

async function findCodec(plan: RecordingPlan) {
	if (typeof VideoEncoder !== "function") return null;
	const { width, height, framesPerSecond } = plan;
	for (const { name, strings } of CODECS)
		for (const codec of strings) {
			const config: VideoEncoderConfig = {
				codec,
				width,
				height,
				framerate: framesPerSecond,
				bitrate: Math.round(width * height * framesPerSecond * BITS_PER_PIXEL),
				...(name === "avc" && { avc: { format: "avc" as const } }),
			};
			const { supported } = await VideoEncoder.isConfigSupported(config);
			if (supported) return { name, config };
		}
	return null;
}

function sheetOf({ width, height }: Size): OffscreenCanvas | HTMLCanvasElement {
	if (typeof OffscreenCanvas === "function") return new OffscreenCanvas(width, height);
	return Object.assign(document.createElement("canvas"), { width, height });
}
