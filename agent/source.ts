import { AvSource } from "./av-source.ts";
import { FileSource } from "./file-source.ts";
import { MjpegSource } from "./mjpeg-source.ts";
import type { RawFrame } from "./raw-frame.ts";
import type { SourceSpec } from "./source-spec.ts";
import { TestCard } from "./test-card.ts";

export { SourceError } from "./source-error.ts";

export interface SourceFormat {
	width: number;
	height: number;
	/** As the source states it; null when it does not say. */
	framesPerSecond: number | null;
	/** Quality of the JPEGs it gives when they can be passed on as they are; null when they cannot. */
	ownQuality: number | null;
}

/** What a source asks and tells its owner. None of these may throw. */
export interface SourceHooks {
	/** Read at each frame: false = nobody watches, nothing is decoded. */
	wanted(): boolean;
	/** Read at each frame: false = the camera's own JPEG will do, where there is one nothing is decoded. */
	wantsPixels(): boolean;
	/** Resolves when `wanted()` turns true or the signal aborts. */
	whenWanted(signal: AbortSignal): Promise<void>;
	/** Called when opened and whenever the size changes. */
	onFormat(format: SourceFormat): void;
}

export interface Source {
	/** Pictures nothing could be made of, since the source was created. */
	readonly undecodable: number;
	/** Frames that gave way to newer ones before the consumer took them, since the source was created. */
	readonly replaced: number;
	/**
	 * Opens the source and yields its newest frame, which the consumer frees; older ones are freed unseen.
	 * Ends when the signal aborts and has closed the source by then. Throws SourceError when the source cannot be
	 * opened or is lost; may be called again then, but not twice at once.
	 */
	frames(signal: AbortSignal): AsyncGenerator<RawFrame, void>;
}

/** The source `spec` names. Opens nothing yet: that is what `frames` does. */
export function openSource(spec: SourceSpec, hooks: SourceHooks): Source {
	switch (spec.kind) {
		case "test":
			return new TestCard(spec, hooks);
		case "mjpeg":
			return new MjpegSource(spec, hooks);
		case "file":
			return new FileSource(spec, hooks);
		case "rtsp":
		case "webcam":
			return new AvSource(spec, hooks);
	}
}
