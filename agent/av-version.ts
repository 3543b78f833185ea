import "./quiet-av.ts";
import { getFFmpegInfo } from "node-av";

/** FFmpeg's version and those of its libraries, as node-av brings them. */
export function avVersion(): string {
	const { version, libraries } = getFFmpegInfo();
	return `${version} (libavcodec ${libraries.avcodec}, libavformat ${libraries.avformat}, libavdevice ${libraries.avdevice})`;
}
