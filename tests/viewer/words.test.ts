import { describe, expect, test } from "bun:test";
import { CLOSE } from "#shared/close.ts";
import { ladderFor } from "#shared/ladder.ts";
import { CAMERA_REASONS } from "#shared/protocol.ts";
import type { Standing } from "../../viewer/standing.ts";
import {
	addCameraCommand,
	badgeText,
	bitRate,
	changeWords,
	clockTime,
	duration,
	linkNotice,
	noticeTimes,
	qualityLabel,
	tileNotice,
} from "../../viewer/words.ts";

const NOW = new Date(2026, 4, 3, 14, 30).getTime();
const LOST = { code: 1006, reason: "" };

test("durations are short", () => {
	const seconds = [-1, 0, 59.9, 60, 3_599, 3_600, 3_900, 48 * 3_600, 200_000];
	expect(seconds.map((s) => duration(s * 1_000))).toEqual([
		"0 s",
		"0 s",
		"59 s",
		"1 min",
		"59 min",
		"1 h",
		"1 h 5 min",
		"2 days",
		"2 days",
	]);
});

test("bit rates change their unit at a megabit", () => {
	expect([0, 840_400, 999_600, 17_440_000].map(bitRate)).toEqual([
		"0 kbit/s",
		"840 kbit/s",
		"1.0 Mbit/s",
		"17.4 Mbit/s",
	]);
});

test("a time of another day has its date", () => {
	expect(clockTime(NOW - 60_000, NOW)).not.toContain(",");
	expect(clockTime(NOW - 86_400_000, NOW)).toContain(",");
});

describe("the badge", () => {
	test("shows whole milliseconds, never less than none", () => {
		expect(badgeText({ is: "live", ageMs: 41.6, freshness: "calm" }, NOW)).toBe("42 ms");
		expect(badgeText({ is: "live", ageMs: -0.4, freshness: "calm" }, NOW)).toBe("0 ms");
		expect(badgeText({ is: "live", ageMs: null, freshness: "calm" }, NOW)).toBe("live");
	});

	test("counts up while nothing moves", () => {
		expect(badgeText({ is: "frozen", since: NOW - 3_400 }, NOW)).toBe("frozen 3 s");
	});
});

describe("why there is no picture", () => {
	test("every reason has words of its own", () => {
		const titles = CAMERA_REASONS.map(
			(reason) => tileNotice({ is: "offline", since: NOW, reason, detail: null }, NOW)?.title,
		);
		expect(new Set(titles).size).toBe(CAMERA_REASONS.length);
	});

	test("the agent's own words are shown as they are", () => {
		const detail = "/dev/video0 is used by process 812";
		expect(tileNotice({ is: "offline", since: NOW, reason: "busy", detail }, NOW)).toEqual({
			title: "Another program uses the camera",
			text: detail,
		});
	});

	test("says since when, and when the last picture was taken", () => {
		const state = { is: "offline", since: NOW - 60_000, reason: null, detail: null } as const;
		expect(noticeTimes(state, null, NOW)).toMatch(/^Since [^·]+$/);
		expect(noticeTimes(state, NOW - 61_000, NOW)).toMatch(/^Since .+ · last picture .+$/);
		expect(noticeTimes({ is: "paused" }, null, NOW)).toBe("");
	});

	test("a first picture is only missed after a while", () => {
		expect(tileNotice({ is: "opening", since: NOW - 1_500, isLong: false }, NOW)).toBeNull();
		expect(tileNotice({ is: "opening", since: NOW - 5_000, isLong: true }, NOW)?.text).toBe(
			"Waiting for 5 s.",
		);
	});
});

describe("the way to the relay", () => {
	test("a blip is not worth a word", () => {
		expect(linkNotice({ is: "live", since: 0 }, NOW)).toBeNull();
		const link = { is: "waiting", since: NOW - 900, attempt: 1, until: NOW, ending: LOST } as const;
		expect(linkNotice(link, NOW)).toBeNull();
	});

	test("an outage says how long, which attempt, and when the next one is", () => {
		const link = {
			is: "waiting",
			since: NOW - 12_000,
			attempt: 3,
			until: NOW + 1_400,
			ending: LOST,
		} as const;
		expect(linkNotice(link, NOW)).toEqual({
			title: "Relay unreachable for 12 s",
			text: "Attempt 3, next try in 2 s.",
		});
		expect(linkNotice({ is: "connecting", since: NOW - 12_000, attempt: 4 }, NOW)?.text).toBe(
			"Attempt 4, trying now.",
		);
	});

	test("a version that does not fit is told in the relay's words", () => {
		const ending = { code: CLOSE.version, reason: "protocol 1 against 2: your side is older" };
		const link = { is: "waiting", since: NOW - 2_000, attempt: 1, until: NOW + 9_000, ending } as const;
		expect(linkNotice(link, NOW)?.text).toBe(ending.reason);
	});
});

test("the quality button says what is on screen, who chose it and what keeps it there", () => {
	const rung = ladderFor({ width: 1280, height: 720 })[6]!;
	expect(qualityLabel(null, rung, "network")).toEqual({ what: "Auto 720p", why: "your network" });
	expect(qualityLabel(null, rung, "uplink").why).toBe("the camera's uplink");
	expect(qualityLabel(null, rung, "window").why).toBe("window size");
	expect(qualityLabel(null, rung, "browser").why).toBe("this browser");
	expect(qualityLabel(null, rung, "none")).toEqual({ what: "Auto 720p", why: "" });
	expect(qualityLabel(rung.id, rung, "choice")).toEqual({ what: "720p q50", why: "your choice" });
	expect(qualityLabel(null, undefined, null)).toEqual({ what: "Auto", why: "" });
	expect(qualityLabel(3, undefined, null).what).toBe("Fixed");
});

test("a change says which way, how long ago and why", () => {
	const standing: Standing = {
		rendition: 4,
		limit: "network",
		change: "network",
		changeTime: NOW - 12_400,
		direction: "down",
	};
	expect(changeWords(standing, NOW)).toBe("down 12 s ago: your network");
	expect(changeWords({ ...standing, change: "uplink", direction: "up" }, NOW)).toBe(
		"up 12 s ago: the camera's uplink",
	);
	expect(changeWords({ ...standing, change: "source", direction: null }, NOW)).toBe(
		"changed 12 s ago: the camera's new size",
	);
	expect(changeWords({ ...standing, change: "joined", direction: null }, NOW)).toBe("opened 12 s ago");
});

test.each([
	["http://127.0.0.1:6732", "CAMERA=webcam: bun run agent"],
	["http://localhost:6732", "CAMERA=webcam: bun run agent"],
	["https://cams.example.org", "RELAY_URL=https://cams.example.org CAMERA=webcam: bun run agent"],
])("the command that adds a camera to %s", (origin, command) => {
	expect(addCameraCommand(origin)).toBe(command);
});
