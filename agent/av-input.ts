import "./quiet-av.ts";
import {
	AV_NOPTS_VALUE,
	AVERROR_EOF,
	AVMEDIA_TYPE_VIDEO,
	AVSEEK_FLAG_BACKWARD,
	Dictionary,
	FormatContext,
	InputFormat,
	Packet,
	type Rational,
	type Stream,
} from "node-av";
import { avError } from "./av-error.ts";
import { isAcceptableSize, type Limits, silenceWords } from "./limits.ts";
import { Patience } from "./patience.ts";
import { SourceError } from "./source-error.ts";

/** What FFmpeg is told to open. No text of the user's is in `options`. */
export interface InputRequest {
	url: string;
	/** For messages, without credentials. */
	name: string;
	/** Demuxer to force; null = FFmpeg looks at the data. */
	format: string | null;
	options: Readonly<Record<string, string>>;
	/** False where the demuxer knows all at once: webcams would only lose time. */
	probe: boolean;
	limits: Limits;
}

/** One opened input with its video stream. */
export class AvInput {
	readonly stream: Stream;
	readonly #context: FormatContext;
	/** For messages, without credentials. */
	readonly name: string;
	readonly #limits: Limits;
	readonly #patience: Patience;
	#hung = false;

	private constructor(context: FormatContext, stream: Stream, { name, limits }: InputRequest) {
		this.#context = context;
		this.name = name;
		this.#limits = limits;
		this.#patience = new Patience(limits.silenceMs);
		this.stream = stream;
	}

	/** Throws SourceError; null when the signal aborted meanwhile. */
	static async open(request: InputRequest, signal: AbortSignal): Promise<AvInput | null> {
		const { url, name, format, options, limits } = request;
		const inputFormat = format === null ? null : InputFormat.findInputFormat(format);
		if (format !== null && !inputFormat)
			throw new SourceError("unsupported", `${name}: no ${format} input here`);
		const context = new FormatContext();
		context.allocContext();
		using dictionary = Dictionary.fromObject(options);
		const late = `${name}: did not open within ${limits.openMs / 1000} s`;
		const limit = { context, name, ms: limits.openMs, interruptMs: limits.interruptMs, late, signal };
		try {
			const opened = await interruptible(limit, context.openInput(url, inputFormat, dictionary));
			if (opened === null) return await closed(context);
			if (opened < 0) throw avError(opened, name);
			if (request.probe) {
				const probed = await interruptible(limit, context.findStreamInfo());
				if (probed === null) return await closed(context);
				if (probed < 0) throw avError(probed, name);
			}
			const index = context.findBestStream(AVMEDIA_TYPE_VIDEO);
			const stream = context.streams[index];
			if (index < 0 || !stream) throw new SourceError("unsupported", `${name}: no video in it`);
			const { width, height } = stream.codecpar;
			if ((width > 0 || height > 0) && !isAcceptableSize(width, height)) {
				throw new SourceError("unsupported", `${name}: ${width}x${height} is too large`);
			}
			return new AvInput(context, stream, request);
		} catch (error) {
			if (!(error instanceof SourceError && error.reason === "hung")) await closed(context);
			throw error;
		}
	}

	/**
	 * The next packet of the video stream, the caller's to free; null at the end of a file or when the signal
	 * aborted. Throws SourceError, "timed-out" when none comes.
	 */
	async read(signal: AbortSignal): Promise<Packet | null> {
		const startTime = performance.now();
		const { interruptMs } = this.#limits;
		const silenceMs = this.#patience.ms;
		const late = `${this.name}: ${silenceWords(silenceMs)}`;
		const packet = new Packet();
		packet.alloc();
		try {
			for (;;) {
				const ms = silenceMs - (performance.now() - startTime);
				const limit = { context: this.#context, name: this.name, ms, interruptMs, late, signal };
				const code = await interruptible(limit, this.#context.readFrame(packet));
				if (code === null || code === AVERROR_EOF) {
					packet.free();
					return null;
				}
				if (code < 0) throw avError(code, this.name);
				if (packet.streamIndex === this.stream.index) {
					this.#patience.heard(performance.now());
					return packet;
				}
				packet.unref();
			}
		} catch (error) {
			this.#hung = error instanceof SourceError && error.reason === "hung";
			if (!this.#hung) packet.free();
			throw error;
		}
	}

	/** Back to the start of a file; false when it cannot. */
	async rewind(): Promise<boolean> {
		const start = this.stream.startTime === AV_NOPTS_VALUE ? 0n : this.stream.startTime;
		return (await this.#context.seekFrame(this.stream.index, start, AVSEEK_FLAG_BACKWARD)) >= 0;
	}

	/** Stated frames per second, or null when there is none or it is no rate a camera has. */
	get framesPerSecond(): number | null {
		return usableRate(this.stream.avgFrameRate) ?? usableRate(this.stream.rFrameRate);
	}

	/** Releases device, socket or file. A hung input stays as it is: touching it would hang the caller too. */
	async close(): Promise<void> {
		if (!this.#hung) await this.#context.closeInput();
	}
}

function usableRate({ num, den }: Rational): number | null {
	const rate = Math.round((num / den) * 1000) / 1000;
	return rate >= 0.1 && rate <= 240 ? rate : null;
}

async function closed(context: FormatContext): Promise<null> {
	await context.closeInput();
	return null;
}

interface Limit {
	context: FormatContext;
	name: string;
	ms: number;
	interruptMs: number;
	/** What to say when it took longer. */
	late: string;
	signal: AbortSignal;
}

/** Waits for a native call at most `ms`; null when the signal aborted first. Throws "timed-out" or "hung". */
async function interruptible(
	{ context, name, ms, interruptMs, late, signal }: Limit,
	call: Promise<number>,
): Promise<number | null> {
	const { promise: stopped, resolve: stop } = Promise.withResolvers<"stopped">();
	const onStop = () => stop("stopped");
	const timer = setTimeout(onStop, Math.max(0, ms));
	signal.addEventListener("abort", onStop);
	if (signal.aborted) onStop();
	try {
		const result = await Promise.race([call, stopped]);
		if (result !== "stopped") return result;
	} finally {
		clearTimeout(timer);
		signal.removeEventListener("abort", onStop);
	}
	context.interrupt();
	const { promise: given, resolve: giveUp } = Promise.withResolvers<"hung">();
	const patience = setTimeout(() => giveUp("hung"), interruptMs);
	const result = await Promise.race([call, given]);
	clearTimeout(patience);
	if (result === "hung") throw new SourceError("hung", `${name}: stuck in the driver or in FFmpeg`);
	if (signal.aborted) return null;
	throw new SourceError("timed-out", late);
}
