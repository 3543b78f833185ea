/** What `CAMERA` names, checked. Options already have their final values; null = the device decides. */
export type SourceSpec =
	| { kind: "test"; width: number; height: number; framesPerSecond: number }
	| {
			kind: "webcam";
			device: string | null;
			size: { width: number; height: number } | null;
			framesPerSecond: number | null;
	  }
	| { kind: "rtsp"; url: string }
	| { kind: "mjpeg"; url: string }
	| { kind: "file"; path: string };

/** The text names no source; the message is one line that says what is wrong and what is accepted. */
export class SourceSpecError extends Error {
	override readonly name = "SourceSpecError";
}

const FORMS = "test:, webcam:, rtsp://, rtsps://, http://, https:// or the path of a video file";
const SIZE_LIMITS = { minWidth: 160, minHeight: 120, maxWidth: 3840, maxHeight: 2160 } as const;
const MAX_FRAMES_PER_SECOND = 60;
const TEST_DEFAULT = { width: 1280, height: 720, framesPerSecond: 30 } as const;
const MAX_LENGTH = 4096; // longer than any path or URL a camera has

/** Parses the text of `CAMERA`. Throws SourceSpecError and nothing else; does not look at disk or network. */
export function parseSource(text: string): SourceSpec {
	const source = text.trim();
	if (source === "") throw new SourceSpecError(`the source is empty: expected ${FORMS}`);
	if (source.length > MAX_LENGTH) {
		throw new SourceSpecError(`the source is ${source.length} characters long: at most ${MAX_LENGTH}`);
	}
	// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is refused
	if (/[\u0000-\u001f\u007f]/.test(source))
		throw new SourceSpecError("the source contains control characters");
	// Two letters at least: C:\clip.mp4 is a path.
	const scheme = /^([a-z][a-z0-9+.-]+):/i.exec(source)?.[1]?.toLowerCase();
	switch (scheme) {
		case undefined:
			return { kind: "file", path: source };
		case "test":
			return parseTest(source.slice("test:".length));
		case "webcam":
			return parseWebcam(source.slice("webcam:".length));
		case "rtsp":
		case "rtsps":
			return { kind: "rtsp", url: parseUrl(source) };
		case "http":
		case "https":
			return { kind: "mjpeg", url: parseUrl(source) };
		default:
			throw new SourceSpecError(`unknown source "${redact(source)}": expected ${FORMS}`);
	}
}

/** The source in one line for logs and pages, without its password. */
export function describeSource(spec: SourceSpec): string {
	switch (spec.kind) {
		case "test":
			return `test:?size=${spec.width}x${spec.height}&fps=${spec.framesPerSecond}`;
		case "webcam":
			return `webcam:${spec.device ?? ""}`;
		case "file":
			return spec.path;
		case "rtsp":
		case "mjpeg":
			return redact(spec.url);
	}
}

const SECRET_QUERY = /([?&][^=&\s]*(?:pass|pwd|user|usr|login|token|key|auth|secret)[^=&\s]*=)[^&#\s]+/gi;

/** `text` with the credentials of every URL in it replaced by `***`: user and password, and such query values. */
export function redact(text: string): string {
	return text
		.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s/?#]*@/gi, "$1***@")
		.replace(/([a-z][a-z0-9+.-]*:\/\/)[^\s@/?#]*:[^\s]*@/gi, "$1***@") // a password with "/" in it
		.replace(SECRET_QUERY, "$1***");
}

function parseTest(rest: string): SourceSpec {
	if (rest !== "" && !rest.startsWith("?")) {
		throw new SourceSpecError(`test: takes options only, as in test:?size=1280x720&fps=30, not "${rest}"`);
	}
	const options = parseOptions("test:", rest.slice(1));
	return {
		kind: "test",
		width: options.size?.width ?? TEST_DEFAULT.width,
		height: options.size?.height ?? TEST_DEFAULT.height,
		framesPerSecond: options.framesPerSecond ?? TEST_DEFAULT.framesPerSecond,
	};
}

function parseWebcam(rest: string): SourceSpec {
	// Windows device ids contain "?": options start at the first "?" that names one.
	const start = rest.search(/\?(size|fps)=/);
	const device = start < 0 ? rest.replace(/\?$/, "") : rest.slice(0, start);
	const options = parseOptions("webcam:", start < 0 ? "" : rest.slice(start + 1));
	return { kind: "webcam", device: device === "" ? null : device, ...options };
}

interface Options {
	size: { width: number; height: number } | null;
	framesPerSecond: number | null;
}

function parseOptions(form: string, query: string): Options {
	const options: Options = { size: null, framesPerSecond: null };
	for (const part of query === "" ? [] : query.split("&")) {
		const [name, value = ""] = part.split("=", 2);
		if (name === "size") options.size = parseSize(form, value);
		else if (name === "fps") options.framesPerSecond = parseFramesPerSecond(form, value);
		else throw new SourceSpecError(`${form} has no option "${name}": it takes size and fps`);
	}
	return options;
}

function parseSize(form: string, value: string): { width: number; height: number } {
	const { minWidth, minHeight, maxWidth, maxHeight } = SIZE_LIMITS;
	const match = /^(\d{1,5})x(\d{1,5})$/.exec(value);
	const [width, height] = [Number(match?.[1]), Number(match?.[2])];
	if (!(width >= minWidth && width <= maxWidth && height >= minHeight && height <= maxHeight)) {
		const range = `${minWidth}x${minHeight} to ${maxWidth}x${maxHeight}`;
		throw new SourceSpecError(`${form} size is "${value}": expected WIDTHxHEIGHT from ${range}`);
	}
	return { width, height };
}

function parseFramesPerSecond(form: string, value: string): number {
	const framesPerSecond = /^\d{1,3}(\.\d{1,3})?$/.test(value) ? Number(value) : Number.NaN;
	if (!(framesPerSecond >= 1 && framesPerSecond <= MAX_FRAMES_PER_SECOND)) {
		throw new SourceSpecError(`${form} fps is "${value}": expected 1 to ${MAX_FRAMES_PER_SECOND}`);
	}
	return framesPerSecond;
}

function parseUrl(source: string): string {
	const form = `"${redact(source)}" is not a valid address: expected SCHEME://HOST[:PORT]/PATH`;
	if (/\s/.test(source) || !/^[a-z]+:\/\//i.test(source)) throw new SourceSpecError(form);
	const url = URL.parse(source);
	if (!url || url.hostname === "") throw new SourceSpecError(form);
	return source;
}
