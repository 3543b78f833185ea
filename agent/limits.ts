/** How long a source waits before it gives up, ms. */
export interface Limits {
	/** For it to open. */
	openMs: number;
	/** For its next packet, at most: `Patience` asks for less of a source whose pace it knows. */
	silenceMs: number;
	/** For one decodable picture in what comes. */
	badDataMs: number;
	/** For a native call that was told to stop. */
	interruptMs: number;
}

export const LIMITS: Readonly<Limits> = {
	openMs: 10_000, // RTSP needs several round trips, webcams start their sensor
	silenceMs: 5_000, // a camera in the dark may fall to one picture a second
	badDataMs: 8_000, // longer than a damaged group of pictures lasts
	interruptMs: 2_000, // FFmpeg looks at its flag every 100 ms: after twenty looks it never will
};

/** Says how long nothing came. */
export function silenceWords(silenceMs: number): string {
	return `nothing came for ${Math.round(silenceMs / 100) / 10} s`;
}

const MAX_SIDE = 8192;
const MAX_PIXELS = 33_177_600; // 7680x4320

/** Is a picture of this size one the agent decodes? Checked on headers, before anything is allocated for it. */
export function isAcceptableSize(width: number, height: number): boolean {
	return width > 0 && height > 0 && width <= MAX_SIDE && height <= MAX_SIDE && width * height <= MAX_PIXELS;
}

/** For FFmpeg's own check. */
export const MAX_DECODED_PIXELS = MAX_PIXELS;
