import type { EntryRefusal } from "#shared/access.ts";
import { CLOSE } from "#shared/close.ts";
import { type Rendition, renditionName } from "#shared/ladder.ts";
import type { CameraReason, Change, Limit, Mode } from "#shared/protocol.ts";
import type { Link } from "./downlink.ts";
import type { Obstacle } from "./h264-support.ts";
import type { Standing } from "./standing.ts";
import type { TileState } from "./tile-state.ts";

/** A short sentence that says what happened, and what happens next or what more is known. */
export interface Notice {
	title: string;
	text: string;
}

const REASONS: Record<CameraReason, string> = {
	opening: "The camera is starting",
	"agent-gone": "The camera's computer is not connected",
	"not-found": "The source was not found",
	"no-device": "No camera is plugged in",
	busy: "Another program uses the camera",
	permission: "The camera's computer may not use it",
	refused: "The source refused the connection",
	"timed-out": "The source does not answer",
	ended: "The source ended",
	"bad-data": "The source sends no readable pictures",
	unsupported: "The source's format is not supported",
	hung: "The camera stopped answering",
	encoder: "The pictures could not be encoded",
};

/** "3 s", "2 min", "1 h 5 min", "2 days". */
export function duration(ms: number): string {
	const seconds = Math.max(0, Math.floor(ms / 1000));
	if (seconds < 60) return `${seconds} s`;
	const minutes = Math.floor(seconds / 60);
	if (minutes < 60) return `${minutes} min`;
	const hours = Math.floor(minutes / 60);
	if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`;
	return `${Math.floor(hours / 24)} days`;
}

// Separators are the locale's; the 24 hours are everybody's, since a log beside it has them too.
const CLOCK = { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" } as const;

/** A time of day, to the second; with the date where that is not today's. */
export function clockTime(time: number, now: number): string {
	const date = new Date(time);
	const clock = date.toLocaleTimeString([], CLOCK);
	if (date.toDateString() === new Date(now).toDateString()) return clock;
	return `${date.toLocaleDateString([], { day: "numeric", month: "short" })}, ${clock}`;
}

/** "17.4 Mbit/s", "840 kbit/s". */
export function bitRate(bitsPerSecond: number): string {
	const kilobits = Math.round(bitsPerSecond / 1000);
	return kilobits < 1000 ? `${kilobits} kbit/s` : `${(kilobits / 1000).toFixed(1)} Mbit/s`;
}

/** Rounded to a tenth so that the parts of a sum visibly add up. */
export function ms(value: number | null | undefined): string {
	return value == null ? "–" : `${value.toFixed(1)} ms`;
}

/** The few characters of the freshness badge. */
export function badgeText(state: TileState, now: number): string {
	switch (state.is) {
		case "live":
			if (state.ageMs === null) return "live";
			return state.ageMs < 10_000 ? `${Math.max(0, Math.round(state.ageMs))} ms` : duration(state.ageMs);
		case "frozen":
			return `frozen ${duration(now - state.since)}`;
		case "connecting":
			return "connecting";
		default:
			return state.is;
	}
}

/** Why a tile shows no moving picture; null where nothing has to be said. */
export function tileNotice(state: TileState, now: number): Notice | null {
	switch (state.is) {
		case "opening":
			if (!state.isLong) return null;
			return { title: "No picture yet", text: `Waiting for ${duration(now - state.since)}.` };
		case "connecting": {
			const title = state.reason === null ? "The camera is starting" : REASONS[state.reason];
			return { title, text: state.detail ?? `For ${duration(now - state.since)}.` };
		}
		case "offline": {
			const title = state.reason === null ? "The camera is offline" : REASONS[state.reason];
			return { title, text: state.detail ?? "Waiting for it." };
		}
		default:
			return null;
	}
}

/** "Since 14:02:10 · last picture 14:02:09"; the second half only where there was one. */
export function noticeTimes(state: TileState, lastTime: number | null, now: number): string {
	const times = state.is === "offline" ? [`since ${clockTime(state.since, now)}`] : [];
	if (lastTime !== null) times.push(`last picture ${clockTime(lastTime, now)}`);
	const text = times.join(" · ");
	return text.charAt(0).toUpperCase() + text.slice(1);
}

/** Why the relay lets nobody of this page in, for the page that says so; null while it is no such thing. */
export function denialOf(link: Link, linkFault: EntryRefusal | null): Denial | null {
	if (link.is !== "closed") return null;
	const { code, reason } = link.ending;
	const words = reason.charAt(0).toUpperCase() + reason.slice(1);
	switch (code) {
		case CLOSE.denied:
			if (linkFault === "busy")
				return { is: "again", title: "The link could not be checked", text: "The relay did not answer." };
			if (linkFault === null) return { is: "denied", title: "These cameras are not public", text: "" };
			return {
				is: "denied",
				title: "This link does not work",
				text: "It may have been cut off when it was copied.",
			};
		case CLOSE.expired:
		case CLOSE.revoked:
			return { is: "ended", title: words, text: "" };
		case CLOSE.disconnected:
			return { is: "again", title: "You were disconnected", text: "An operator ended this connection." };
		default:
			return null;
	}
}

/** `denied`: needs a link or a password; `ended`: what let it in is over; `again`: may simply come back. */
export interface Denial extends Notice {
	is: "denied" | "ended" | "again";
}

/** What to say about the way to the relay; null while it works, or broke too short ago to matter. */
export function linkNotice(link: Link, now: number): Notice | null {
	if (link.is === "live" || now - link.since < 1_000) return null;
	if (link.is === "connecting" && link.attempt === 1) return { title: "Connecting to the relay", text: "" };
	if (link.is !== "connecting" && link.ending.code === CLOSE.version)
		return { title: "This page and the relay do not fit together", text: link.ending.reason };
	if (link.is === "closed") return { title: "The relay ended the connection", text: link.ending.reason };
	const title = `Relay unreachable for ${duration(now - link.since)}`;
	if (link.is === "connecting") return { title, text: `Attempt ${link.attempt}, trying now.` };
	const nextS = Math.max(1, Math.ceil((link.until - now) / 1000));
	const why = link.ending.code === CLOSE.badMessage ? ` ${link.ending.reason}` : "";
	const attempt = link.attempt === 0 ? "Next try" : `Attempt ${link.attempt}, next try`;
	return { title, text: `${attempt} in ${nextS} s.${why}` };
}

const DEFAULT_RELAY = /^http:\/\/(localhost|127\.0\.0\.1):6732$/; // where an agent dials unless told

/** The one command that adds a camera to the relay this page came from. */
export function addCameraCommand(origin: string): string {
	return `${DEFAULT_RELAY.test(origin) ? "" : `RELAY_URL=${origin} `}CAMERA=webcam: bun run agent`;
}

/** What the browser's tab says; `camera` null: all of them. */
export function pageTitle(
	camera: { name: string; state: TileState["is"] } | undefined,
	{ isRecording, isReplay }: { isRecording: boolean; isReplay: boolean },
): string {
	const mark = isRecording ? "● " : "";
	if (!camera) return `${mark}Sightline`;
	const state = isReplay ? "replay" : camera.state;
	const aside = state === "live" || state === "paused" || state === "opening" ? "" : ` (${state})`;
	return `${mark}${camera.name}${aside} · Sightline`;
}

/** What keeps a picture from a higher rung. */
export const LIMIT_WORDS: Record<Limit, string> = {
	none: "nothing",
	network: "your network",
	uplink: "the camera's uplink",
	encoder: "the camera's computer",
	window: "window size",
	choice: "your choice",
	browser: "this browser",
};

const CHANGE_WORDS: Record<Exclude<Change, "joined">, string> = {
	network: LIMIT_WORDS.network,
	uplink: LIMIT_WORDS.uplink,
	encoder: LIMIT_WORDS.encoder,
	window: LIMIT_WORDS.window,
	choice: LIMIT_WORDS.choice,
	browser: LIMIT_WORDS.browser,
	source: "the camera's new size",
};

/** What each way of choosing puts first. */
export const MODE_WORDS: Record<Mode, { name: string; what: string }> = {
	smooth: { name: "Smooth", what: "motion before detail" },
	balanced: { name: "Balanced", what: "motion and detail alike" },
	sharp: { name: "Sharp", what: "detail before motion" },
};

/** The quality button: what is on screen and who chose it, and what keeps it there; the latter may be empty. */
export interface QualityLabel {
	what: string;
	why: string;
}

export function qualityLabel(
	pin: number | null,
	shown: Rendition | undefined,
	limit: Limit | null,
): QualityLabel {
	const why = limit === null || limit === "none" ? "" : LIMIT_WORDS[limit];
	if (pin !== null) return { what: shown ? renditionName(shown) : "Fixed", why };
	return { what: shown ? `Auto ${Math.min(shown.width, shown.height)}p` : "Auto", why };
}

/** Why the page shows no H.264, and what helps where something does. */
export function obstacleWords(obstacle: Obstacle): string {
	switch (obstacle.is) {
		case "insecure":
			return "open https:// or localhost to get H.264";
		case "missing":
			return "this browser has no video decoder";
		case "unsupported":
			return `this browser does not decode H.264 (${obstacle.codec})`;
		case "failing":
			return `this browser's H.264 decoder failed (${obstacle.words})`;
		case "silent":
			return "this browser's H.264 decoder gave no picture";
	}
}

/** The codec on screen; `obstacle`: what keeps it from the camera's H.264, if anything does. */
export function codecWords(shown: Rendition | undefined, obstacle: Obstacle | null): string {
	if (!shown) return "–";
	if (shown.codec === "h264") return "H.264";
	return obstacle ? `JPEG: ${obstacleWords(obstacle)}` : "JPEG";
}

/** "down 12 s ago: your network". */
export function changeWords({ change, changeTime, direction }: Standing, now: number): string {
	const ago = `${duration(now - changeTime)} ago`;
	if (change === "joined") return `opened ${ago}`;
	return `${direction ?? "changed"} ${ago}: ${CHANGE_WORDS[change]}`;
}
