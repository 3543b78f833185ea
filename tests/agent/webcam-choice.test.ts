import { describe, expect, test } from "bun:test";
import { webcamCaptureTime } from "../../agent/webcam.ts";
import { chooseModes, pickWebcam, type Webcam, webcamIds } from "../../agent/webcam-choice.ts";

function webcam(...modes: [size: string, framesPerSecond: number, isCompressed: boolean][]): Webcam {
	const address = { id: "id", name: "Cam", device: "/dev/video0", url: "/dev/video0", number: 0 };
	return {
		...address,
		modes: modes.map(([size, maxFramesPerSecond, isCompressed]) => {
			const [width = 0, height = 0] = size.split("x").map(Number);
			return { width, height, maxFramesPerSecond, isCompressed };
		}),
	};
}

function chosen(cam: Webcam, size: string | null = null, framesPerSecond: number | null = null): string[] {
	const [width = 0, height = 0] = (size ?? "").split("x").map(Number);
	const modes = chooseModes(cam, { size: size === null ? null : { width, height }, framesPerSecond });
	return modes.map((mode) =>
		mode === null
			? "default"
			: `${mode.width}x${mode.height}@${mode.maxFramesPerSecond}${mode.isCompressed ? " mjpeg" : ""}`,
	);
}

const C920 = webcam(
	["2304x1536", 2, false],
	["1920x1080", 5, false],
	["1920x1080", 30, true],
	["1280x720", 10, false],
	["1280x720", 60, true],
	["640x480", 30, false],
	["640x480", 30, true],
);

describe("webcam mode", () => {
	test("the largest MJPEG up to 1080p, then fluent raw pictures, then what the device does by itself", () => {
		expect(chosen(C920)).toEqual(["1920x1080@30 mjpeg", "640x480@30", "default"]);
	});

	test("without MJPEG fluency goes before size", () => {
		expect(chosen(webcam(["1920x1080", 5, false], ["1280x720", 10, false], ["640x480", 30, false]))).toEqual([
			"640x480@30",
			"default",
		]);
		expect(chosen(webcam(["1920x1080", 5, false], ["640x480", 8, false]))).toEqual([
			"1920x1080@5",
			"default",
		]);
	});

	test("the wished size and rate are kept", () => {
		expect(chosen(C920, "1280x720")).toEqual(["1280x720@60 mjpeg", "1280x720@10", "default"]);
		expect(chosen(C920, "1280x720", 25)).toEqual(["1280x720@25 mjpeg", "1280x720@10", "default"]);
		expect(chosen(C920, null, 5)).toEqual(["1920x1080@5 mjpeg", "1920x1080@5", "default"]);
		expect(() => chosen(C920, "800x600")).toThrow(
			"webcam Cam: no 800x600; it offers 2304x1536, 1920x1080, 1280x720, 640x480",
		);
	});

	test("never above 60 frames per second, nor above 1080p unless there is nothing smaller", () => {
		expect(chosen(webcam(["640x480", 120, true]))).toEqual(["640x480@60 mjpeg", "default"]);
		expect(chosen(webcam(["3840x2160", 30, true], ["2560x1440", 30, true]))).toEqual([
			"2560x1440@30 mjpeg",
			"default",
		]);
	});

	test("a device that tells no modes is left to itself", () => {
		expect(chosen(webcam())).toEqual(["default"]);
	});
});

describe("webcam identity", () => {
	test("Linux: by-id link where there is one, in the order of the device numbers", () => {
		const devices = [
			{ name: "/dev/video10", description: "Ten" },
			{ name: "/dev/video2", description: "Two" },
		];
		const links = new Map([["/dev/video10", "/dev/v4l/by-id/usb-Ten-video-index0"]]);
		expect(webcamIds("linux", devices, links)).toEqual([
			{ id: "/dev/video2", name: "Two", device: "/dev/video2", url: "/dev/video2", number: 0 },
			{
				id: "/dev/v4l/by-id/usb-Ten-video-index0",
				name: "Ten",
				device: "/dev/video10",
				url: "/dev/video10",
				number: 0,
			},
		]);
	});

	test("Windows: by device path; cameras of one name are counted", () => {
		const devices = [
			{ name: "C920", description: "\\\\?\\usb#1" },
			{ name: "C920", description: "\\\\?\\usb#2" },
		];
		const found = webcamIds("win32", devices, new Map());
		expect(found.map(({ id, url, number }) => [id, url, number])).toEqual([
			["\\\\?\\usb#1", "video=C920", 0],
			["\\\\?\\usb#2", "video=C920", 1],
		]);
	});

	test("macOS: by unique id; opened by index where the name would be ambiguous", () => {
		const devices = [
			{ name: "FaceTime", description: "0x1" },
			{ name: "Cam: two", description: "0x2" },
			{ name: "FaceTime", description: "0x3" },
		];
		expect(webcamIds("darwin", devices, new Map()).map(({ id, url }) => [id, url])).toEqual([
			["0x1", "FaceTime"],
			["0x2", "1"],
			["0x3", "2"],
		]);
	});

	test("is picked by id, device or name; the first one without a wish", () => {
		const cams = [
			{ ...webcam(), id: "a", name: "Cam", device: "/dev/video0" },
			{ ...webcam(), id: "b", name: "Other", device: "/dev/video1" },
		];
		expect(pickWebcam(cams, null).id).toBe("a");
		for (const wish of ["b", "/dev/video1", "Other"]) expect(pickWebcam(cams, wish).id).toBe("b");
		expect(() => pickWebcam(cams, "c")).toThrow("webcam c: not found; connected: a, b");
		expect(() => pickWebcam([], null)).toThrow("webcam: no camera found");
		expect(() => pickWebcam([], "c")).toThrow("connected: none");
	});
});

describe("webcam capture time", () => {
	test("is the driver's stamp when that is a moment ago on the wall clock, else the arrival", () => {
		const stamp = (ageMs: number) => BigInt(Math.round((Date.now() - ageMs) * 1000));
		expect(webcamCaptureTime(stamp(20), 5000)).toBeWithin(4970, 4981);
		expect(webcamCaptureTime(stamp(-50), 5000)).toBe(5000);
		expect(webcamCaptureTime(stamp(3000), 5000)).toBe(5000);
		expect(webcamCaptureTime(3559782526n, 5000)).toBe(5000); // monotonic
		expect(webcamCaptureTime(-(2n ** 63n), 5000)).toBe(5000);
	});
});
