import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { SourceError } from "../../agent/source-error.ts";
import {
	describeSource,
	parseSource,
	redact,
	type SourceSpec,
	SourceSpecError,
} from "../../agent/source-spec.ts";

const accepted: [text: string, spec: SourceSpec][] = [
	["test:", { kind: "test", width: 1280, height: 720, framesPerSecond: 30 }],
	["TEST:", { kind: "test", width: 1280, height: 720, framesPerSecond: 30 }],
	["test:?size=640x360&fps=60", { kind: "test", width: 640, height: 360, framesPerSecond: 60 }],
	["test:?fps=29.97", { kind: "test", width: 1280, height: 720, framesPerSecond: 29.97 }],
	[" test:?size=160x120 ", { kind: "test", width: 160, height: 120, framesPerSecond: 30 }],
	["webcam:", { kind: "webcam", device: null, size: null, framesPerSecond: null }],
	["webcam:/dev/video2", { kind: "webcam", device: "/dev/video2", size: null, framesPerSecond: null }],
	[
		"webcam:/dev/v4l/by-id/usb-046d_C920?size=1920x1080&fps=30",
		{
			kind: "webcam",
			device: "/dev/v4l/by-id/usb-046d_C920",
			size: { width: 1920, height: 1080 },
			framesPerSecond: 30,
		},
	],
	[
		"webcam:\\\\?\\usb#vid_046d&pid_08e5#{65e8}\\global?fps=15",
		{
			kind: "webcam",
			device: "\\\\?\\usb#vid_046d&pid_08e5#{65e8}\\global",
			size: null,
			framesPerSecond: 15,
		},
	],
	["rtsp://10.0.0.5/stream1", { kind: "rtsp", url: "rtsp://10.0.0.5/stream1" }],
	["rtsps://user:pass@cam:322/a?b=c", { kind: "rtsp", url: "rtsps://user:pass@cam:322/a?b=c" }],
	["http://cam.local:8080/video.mjpg", { kind: "mjpeg", url: "http://cam.local:8080/video.mjpg" }],
	["https://[::1]/x", { kind: "mjpeg", url: "https://[::1]/x" }],
	["/videos/a b.mp4", { kind: "file", path: "/videos/a b.mp4" }],
	["clip.mp4", { kind: "file", path: "clip.mp4" }],
	["C:\\clips\\a.mp4", { kind: "file", path: "C:\\clips\\a.mp4" }],
];

const refused: [text: string, says: string][] = [
	["", "the source is empty"],
	["tset:", 'unknown source "tset:": expected test:, webcam:, rtsp://'],
	["concat:/etc/passwd|/etc/hosts", "unknown source"],
	["file:///etc/passwd", "unknown source"],
	["rtmp://host/live", "unknown source"],
	["test:720p", "test: takes options only"],
	["test:?size=1280", 'test: size is "1280": expected WIDTHxHEIGHT from 160x120 to 3840x2160'],
	["test:?size=100x100", 'test: size is "100x100"'],
	["test:?size=3841x2160", 'test: size is "3841x2160"'],
	["test:?fps=0", 'test: fps is "0": expected 1 to 60'],
	["test:?fps=61", 'test: fps is "61": expected 1 to 60'],
	["test:?fps=", 'test: fps is ""'],
	["test:?rate=5", 'test: has no option "rate": it takes size and fps'],
	["webcam:/dev/video0?size=big", 'webcam: size is "big"'],
	["rtsp:host", "is not a valid address"],
	["rtsp://", "is not a valid address"],
	["http://host/a b", "is not a valid address"],
	["http://host:99999/", "is not a valid address"],
	["clip\u0000.mp4", "the source contains control characters"],
];

describe("parseSource", () => {
	test.each(accepted)("%s", (text, spec) => {
		expect(parseSource(text)).toEqual(spec);
	});

	test.each(refused)("refuses %s", (text, says) => {
		expect(() => parseSource(text)).toThrow(SourceSpecError);
		expect(() => parseSource(text)).toThrow(says);
	});

	test("refuses what is longer than any path or address", () => {
		expect(() => parseSource("x".repeat(5000))).toThrow("the source is 5000 characters long: at most 4096");
	});

	test("throws nothing but its own error, one line long, whatever it is given", () => {
		const schemes = fc.constantFrom("", "test:", "webcam:", "rtsp://", "http://", "x:", "test:?size=");
		fc.assert(
			fc.property(schemes, fc.string({ maxLength: 60 }), (scheme, rest) => {
				try {
					parseSource(scheme + rest);
				} catch (error) {
					expect(error).toBeInstanceOf(SourceSpecError);
					expect((error as Error).message).not.toContain("\n");
				}
			}),
			{ numRuns: 2000 },
		);
	});
});

describe("credentials", () => {
	test.each([
		["rtsp://admin:s3cret@10.0.0.5/a", "rtsp://***@10.0.0.5/a"],
		["rtsp://admin:s3/c@r?t@10.0.0.5/a", "rtsp://***@10.0.0.5/a"],
		["http://cam/v.cgi?user=admin&pwd=s3cret&res=1", "http://cam/v.cgi?user=***&pwd=***&res=1"],
		["http://cam/stream", "http://cam/stream"],
		["open http://a:s3cret@b/ and rtsp://c:s3cret@d/", "open http://***@b/ and rtsp://***@d/"],
	])("are not shown of %s", (text, shown) => {
		expect(redact(text)).toBe(shown);
	});

	test("never stand in an error or a description", () => {
		const url = "rtsp://admin:s3cret@camera/1";
		expect(new SourceError("refused", `${url}: no\nroute`).message).toBe("rtsp://***@camera/1: no route");
		expect(describeSource(parseSource(url))).not.toContain("s3cret");
		expect(() => parseSource("rtsq://admin:s3cret@camera")).not.toThrow("s3cret");
		expect(() => parseSource("rtsp://admin:s3/cret@camera")).not.toThrow("cret");
	});
});
