import { stat } from "node:fs/promises";
import { resolve } from "node:path";
import { AV_NOPTS_VALUE, type Frame } from "node-av";
import { localNow } from "#shared/clock.ts";
import type { Latest } from "#shared/latest.ts";
import { sleep } from "#shared/sleep.ts";
import { AvInput, type InputRequest } from "./av-input.ts";
import { Decoder } from "./decoder.ts";
import { LIMITS } from "./limits.ts";
import { NewestSource } from "./newest-source.ts";
import { RawFrame } from "./raw-frame.ts";
import { Scaler } from "./scaler.ts";
import type { SourceHooks } from "./source.ts";
import { SourceError } from "./source-error.ts";
import type { SourceSpec } from "./source-spec.ts";

type FileSpec = Extract<SourceSpec, { kind: "file" }>;

const LATE_MS = 200; // beyond it the file plays on from where it is instead of hurrying after the clock
const DEFAULT_INTERVAL_MS = 40; // of files that state no rate

// Containers and streams of pictures only: a playlist could name other files and hosts.
const FORMATS =
	"mov,matroska,webm,avi,mpegts,mpeg,mpegvideo,m4v,mjpeg,h264,hevc,obu,ivf,flv,ogg,asf,gif,apng,mxf,nut,dv," +
	"yuv4mpegpipe,jpeg_pipe,png_pipe,webp_pipe,bmp_pipe";

/** A video file as a camera: at its own pace, again and again, standing still while nobody watches. */
export class FileSource extends NewestSource {
	readonly #path: string;
	readonly #hooks: SourceHooks;
	readonly #scaler = new Scaler();
	#size = "";
	/** What the presentation time 0 of this pass would have been on the agent's clock. */
	#passTime = 0;
	#intervalMs = DEFAULT_INTERVAL_MS;
	#lastTime = 0;

	constructor(spec: FileSpec, hooks: SourceHooks) {
		super();
		this.#path = spec.path;
		this.#hooks = hooks;
	}

	protected override async produce(newest: Latest<RawFrame>, signal: AbortSignal): Promise<void> {
		this.#size = "";
		while (!signal.aborted) {
			const input = await AvInput.open(await fileRequest(this.#path), signal);
			if (!input) return;
			try {
				await this.#loop(input, newest, signal);
			} finally {
				await input.close();
			}
		}
	}

	/** Plays until the signal aborts or the file cannot be rewound. */
	async #loop(input: AvInput, newest: Latest<RawFrame>, signal: AbortSignal): Promise<void> {
		const rate = input.framesPerSecond;
		this.#intervalMs = rate ? 1000 / rate : DEFAULT_INTERVAL_MS;
		this.#announce(input.stream.codecpar.width, input.stream.codecpar.height, rate);
		const decoder = await Decoder.open(input.stream.codecpar, { live: false });
		try {
			do {
				const shown = await this.#play(input, decoder, newest, signal);
				if (signal.aborted) return;
				if (shown === 0) throw new SourceError("bad-data", `${input.name}: no decodable picture in it`);
				decoder.reset();
			} while (await input.rewind());
		} finally {
			decoder.close();
		}
	}

	/** One pass through the file; the number of pictures shown. */
	async #play(
		input: AvInput,
		decoder: Decoder,
		newest: Latest<RawFrame>,
		signal: AbortSignal,
	): Promise<number> {
		const { num, den } = input.stream.timeBase;
		let firstMs: number | null = null;
		let positionMs = 0;
		let shown = 0;
		for (let isEnd = false; !isEnd && !signal.aborted; ) {
			if (!this.#hooks.wanted()) await this.#hooks.whenWanted(signal);
			const packet = await readOrEnd(input, signal);
			isEnd = packet === null;
			const { pictures, failed } = await decoder.decode(packet);
			packet?.free();
			if (failed) this.undecodable++;
			for (const picture of pictures) {
				const stampMs = picture.pts === AV_NOPTS_VALUE ? null : (Number(picture.pts) * num * 1000) / den;
				if (stampMs !== null) firstMs ??= stampMs;
				positionMs = stampMs !== null && firstMs !== null ? stampMs - firstMs : positionMs + this.#intervalMs;
				if (shown++ === 0) this.#passTime = this.#lastTime + this.#intervalMs - positionMs;
				await this.#show(picture, positionMs, newest, signal);
			}
		}
		return shown;
	}

	async #show(
		picture: Frame,
		positionMs: number,
		newest: Latest<RawFrame>,
		signal: AbortSignal,
	): Promise<void> {
		const lateMs = localNow() - (this.#passTime + positionMs);
		if (lateMs > LATE_MS) this.#passTime += lateMs;
		const dueTime = this.#passTime + positionMs;
		this.#lastTime = dueTime;
		await sleep(Math.max(0, dueTime - localNow()), signal);
		if (signal.aborted) {
			picture.free();
			return;
		}
		this.#announce(picture.width, picture.height, 1000 / this.#intervalMs);
		newest.offer(new RawFrame(picture, localNow(), this.#scaler));
	}

	#announce(width: number, height: number, framesPerSecond: number | null): void {
		const size = `${width}x${height}`;
		if (size === this.#size || width === 0) return;
		this.#size = size;
		this.#hooks.onFormat({ width, height, framesPerSecond, ownQuality: null });
	}
}

/** The next packet; null at the end, which damage in the middle of a file is taken for. */
async function readOrEnd(input: AvInput, signal: AbortSignal) {
	try {
		return await input.read(signal);
	} catch (error) {
		if (error instanceof SourceError && error.reason === "bad-data") return null;
		throw error;
	}
}

async function fileRequest(path: string): Promise<InputRequest> {
	const name = `file ${path}`;
	const found = await stat(path).catch(() => null);
	if (!found) throw new SourceError("not-found", `${name}: no such file`);
	if (!found.isFile()) throw new SourceError("unsupported", `${name}: not a file`);
	return {
		url: `file:${resolve(path)}`, // the protocol spelt out: a path may look like another one
		name,
		format: null,
		probe: true,
		limits: LIMITS,
		options: { protocol_whitelist: "file", format_whitelist: FORMATS },
	};
}
