import {
	array,
	boolean,
	type Checked,
	integer,
	matching,
	nullable,
	number,
	object,
	oneOf,
	optional,
	text,
	variant,
} from "./check.ts";
import { ProtocolError } from "./errors.ts";
import type { Codec } from "./frame.ts";

/** Grows with every change that an older peer would misread. */
export const PROTOCOL_VERSION = 1;

/** Why a camera gives no picture. `agent-gone` is the relay's own finding, the rest come from the agent. */
export const CAMERA_REASONS = [
	"opening",
	"agent-gone",
	"not-found",
	"no-device",
	"busy",
	"permission",
	"refused",
	"timed-out",
	"ended",
	"bad-data",
	"unsupported",
	"hung",
	"encoder",
] as const;
export type CameraReason = (typeof CAMERA_REASONS)[number];

/** How a viewer weighs a smooth picture against a sharp one. */
export const MODES = ["smooth", "balanced", "sharp"] as const;
export type Mode = (typeof MODES)[number];

/** What keeps a picture from a higher rung: nothing, this viewer's network, the camera's uplink, what its agent encodes at a time, the size it is shown in, the viewer's own choice, what its browser can decode. */
const LIMITS = ["none", "network", "uplink", "encoder", "window", "choice", "browser"] as const;
export type Limit = (typeof LIMITS)[number];

/** Why the rendition was last changed. */
const CHANGES = ["joined", "network", "uplink", "encoder", "window", "choice", "browser", "source"] as const;
export type Change = (typeof CHANGES)[number];

/** A setting that could not be taken; what was in force stays. */
const REFUSALS = ["unknown-camera", "unknown-rendition", "full", "frame-too-large", "bad-frame"] as const;

/** Camera ids are used in URLs and metrics: lower case letters, digits and dashes. */
export const CAMERA_ID = /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/;
export const MAX_CAMERAS = 64; // of one agent, and of one page
const MAX_RENDITIONS = 64;
const MAX_SIDE = 8_192; // 8K and a little; a browser needs a quarter of a gigabyte to decode that
const MAX_INSTANT = 8.64e15; // the last instant a Date can hold

const cameraId = matching(CAMERA_ID, "1 to 63 lower case letters, digits or dashes");
const channel = integer(0, 65_535);
const renditionId = integer(0, 65_535);
const version = integer(0, Number.MAX_SAFE_INTEGER);
const count = integer(0, Number.MAX_SAFE_INTEGER);
const state = oneOf("live", "connecting", "offline");
const reason = nullable(oneOf(...CAMERA_REASONS));
const side = integer(1, MAX_SIDE);

const offerFields = {
	id: renditionId,
	width: side,
	height: side,
	nominalBytes: integer(1, Number.MAX_SAFE_INTEGER),
	ssim: number(0, 1),
	offer: oneOf("ladder", "request"),
};
const rendition = variant("codec", {
	jpeg: object({ ...offerFields, codec: oneOf("jpeg"), quality: integer(1, 100) }),
	h264: object({
		...offerFields,
		codec: oneOf("h264"),
		crf: integer(0, 51),
		maxBps: integer(1, Number.MAX_SAFE_INTEGER),
	}),
});
const source = nullable(object({ width: side, height: side, framesPerSecond: nullable(number(0, 1_000)) }));
const cameraFields = {
	id: cameraId,
	state,
	reason,
	/** The agent's own words for what is wrong, without secrets. */
	detail: nullable(text(300)),
	source,
	renditions: array(rendition, MAX_RENDITIONS),
};

// Every message is one row: its name, its fields. Reading and writing use the same table.
const ANY_TO_RELAY = {
	hello: object({ protocol: integer(0, 65_535), software: text(64) }),
};
const AGENT_MESSAGES = {
	...ANY_TO_RELAY,
	/** The full list of this agent's cameras; `instance` stays the same for one running agent. */
	publish: object({
		instance: text(64),
		cameras: array(object({ id: cameraId, name: text(64) }), MAX_CAMERAS),
	}),
	camera: object(cameraFields),
	have: object({ version }),
	/** It publishes to the relay that takes this one's place, as `moving` asked. */
	moved: object({}),
	/** What the uplink carries, by the agent's flow window, bits per second of busy time. */
	uplink: object({ rateBps: number(0, Number.MAX_SAFE_INTEGER) }),
	stats: object({
		cameras: array(
			object({
				id: cameraId,
				captured: count,
				replaced: count,
				renditions: array(
					object({ id: renditionId, encoded: count, notEncoded: count, refused: count }),
					MAX_RENDITIONS,
				),
			}),
			MAX_CAMERAS,
		),
	}),
};
const codecs = array(oneOf("jpeg", "h264"), 2);
const VIEWER_MESSAGES = {
	...ANY_TO_RELAY,
	/** The full set of what this page shows now; an empty list stops all frames. */
	watch: object({
		mode: oneOf(...MODES),
		/** What the viewer decodes; JPEG is always among them. */
		codecs: optional<Codec[]>(codecs, ["jpeg"]),
		/** What this network carried when the page last watched over it, bits per second. */
		rememberedBps: nullable(number(1, Number.MAX_SAFE_INTEGER)),
		cameras: array(
			object({
				id: cameraId,
				rendition: nullable(renditionId),
				/** Lines of the screen the picture fills: more are not worth sending. */
				maxLines: nullable(side),
				/** What the browser manages to decode. */
				maxFramesPerSecond: nullable(number(0.1, 1_000)),
				/** The one looked at: first in line when not everything fits. */
				isFocused: boolean,
				/** What the viewer decodes of this camera, where that is not what it decodes of the others. */
				codecs: optional<Codec[] | null>(nullable(codecs), null),
			}),
			MAX_CAMERAS,
		),
	}),
	/** Frames were missed or the decoder is new: the relay goes on at a key. */
	key: object({ camera: cameraId }),
};
const ANY_FROM_RELAY = {
	welcome: object({ protocol: integer(0, 65_535), software: text(64) }),
	refused: object({ camera: nullable(cameraId), reason: oneOf(...REFUSALS), message: text(300) }),
};
/** Another relay took this one's place at the same address: dial it, and leave this one once it serves. */
const MOVING = { moving: object({}) };
const TO_AGENT_MESSAGES = {
	...ANY_FROM_RELAY,
	...MOVING,
	/** `epoch`: the newest the relay has seen of this camera; the agent's next frames carry a greater one. */
	channels: object({
		cameras: array(object({ id: cameraId, channel, epoch: integer(0, 0xffff_ffff) }), MAX_CAMERAS),
	}),
	/** The full set of renditions watched now; a camera that is not named is not watched. */
	demand: object({
		version,
		cameras: array(object({ id: cameraId, renditions: array(renditionId, MAX_RENDITIONS) }), MAX_CAMERAS),
	}),
	/** Somebody joins or lost frames: the next frame of this rendition is to be a key. */
	key: object({ camera: cameraId, rendition: renditionId }),
};
const TO_VIEWER_MESSAGES = {
	...ANY_FROM_RELAY,
	...MOVING,
	/** What each watched camera is sent as, on every change; `rateBps` is what this connection carries, null before it is known. */
	choice: object({
		rateBps: nullable(number(0, Number.MAX_SAFE_INTEGER)),
		cameras: array(
			object({ id: cameraId, rendition: renditionId, limit: oneOf(...LIMITS), change: oneOf(...CHANGES) }),
			MAX_CAMERAS,
		),
	}),
	cameras: object({
		cameras: array(
			object({
				...cameraFields,
				name: text(64),
				channel,
				/** Start of this state, relay clock. */
				since: number(0, MAX_INSTANT),
			}),
			65_535,
		),
	}),
};

type Table = Record<string, (value: unknown, path: string) => object>;
type MessageOf<T extends Table> = {
	[K in keyof T & string]: { type: K } & Checked<T[K]>;
}[keyof T & string];

export type AgentMessage = MessageOf<typeof AGENT_MESSAGES>;
export type ViewerMessage = MessageOf<typeof VIEWER_MESSAGES>;
export type ToAgentMessage = MessageOf<typeof TO_AGENT_MESSAGES>;
export type ToViewerMessage = MessageOf<typeof TO_VIEWER_MESSAGES>;
export type CameraState = Omit<Extract<AgentMessage, { type: "camera" }>, "type">;
export type CameraStatus = Extract<ToViewerMessage, { type: "cameras" }>["cameras"][number];
export type AgentStats = Extract<AgentMessage, { type: "stats" }>["cameras"][number];
export type Watch = Omit<Extract<ViewerMessage, { type: "watch" }>, "type">;
export type WatchedCamera = Watch["cameras"][number];
export type Choice = Extract<ToViewerMessage, { type: "choice" }>["cameras"][number];

/** What an agent may say, from its JSON value; throws ProtocolError naming the field. */
export const parseAgentMessage = parser<AgentMessage>(AGENT_MESSAGES);
/** What a viewer may say. */
export const parseViewerMessage = parser<ViewerMessage>(VIEWER_MESSAGES);
/** What a relay may say to an agent. */
export const parseToAgentMessage = parser<ToAgentMessage>(TO_AGENT_MESSAGES);
/** What a relay may say to a viewer. */
export const parseToViewerMessage = parser<ToViewerMessage>(TO_VIEWER_MESSAGES);

/** Reads JSON text; throws ProtocolError instead of SyntaxError. */
export function parseJson(text: string): unknown {
	try {
		return JSON.parse(text);
	} catch {
		throw new ProtocolError(`text message is not JSON: ${JSON.stringify(text.slice(0, 60))}`);
	}
}

/** Refuses any protocol but our own, in words that say who has to do what. */
export function checkVersion(theirs: number): void {
	if (theirs === PROTOCOL_VERSION) return;
	const older = theirs < PROTOCOL_VERSION ? "your side is older" : "this side is older";
	throw new ProtocolError(`protocol ${theirs} against ${PROTOCOL_VERSION}: ${older} and needs an update`);
}

function parser<T extends { type: string }>(table: Table): (value: unknown) => T {
	return (value) => {
		const type = (value as { type?: unknown } | null)?.type;
		const check = typeof type === "string" && Object.hasOwn(table, type) ? table[type] : undefined;
		if (typeof type !== "string" || !check) {
			const known = Object.keys(table).join(", ");
			throw new ProtocolError(
				`message.type: expected one of ${known}, got ${JSON.stringify(type) ?? "nothing"}`,
			);
		}
		return { type, ...check(value, type) } as T;
	};
}
