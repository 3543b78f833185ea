import { CAMERA_ID, CAMERA_REASONS } from "#shared/protocol.ts";
import { ACCESS_SCHEMAS } from "./access-schemas.ts";
import { count, instant, list, object, orNull, type Schema, text } from "./schema.ts";

/** Points to one of `SCHEMAS`. */
export function schemaRef(name: keyof typeof SCHEMAS): Schema {
	return { $ref: `#/components/schemas/${name}` };
}

const state = {
	id: { type: "string", pattern: CAMERA_ID.source, description: "Stands in addresses and metrics." },
	name: text("What people call it."),
	state: { type: "string", enum: ["live", "connecting", "offline"] },
	reason: orNull({ type: "string", enum: CAMERA_REASONS, description: "Why it gives no picture." }),
	detail: orNull(text("The agent's own words for it.")),
	since: instant("Start of this state."),
	source: orNull(
		object({
			width: count("Pixels."),
			height: count("Pixels."),
			framesPerSecond: orNull({ type: "number", minimum: 0 }),
		}),
	),
};
const renditionOf = (codec: string, more: Record<string, Schema>) =>
	object({
		id: count("Unique within the camera."),
		name: text("For people: lines, and quality or rate."),
		codec: { const: codec },
		width: count("Pixels."),
		height: count("Pixels."),
		...more,
		offer: {
			type: "string",
			enum: ["ladder", "request"],
			description: "Chosen automatically, or made only when somebody names it.",
		},
		viewers: count("Who is sent this one."),
	});
const quality = { type: "integer", minimum: 1, maximum: 100, description: "The JPEG encoder's number." };
const rendition = {
	oneOf: [
		renditionOf("jpeg", { quality }),
		renditionOf("h264", { maxBps: count("Bits per second it never exceeds.") }),
	],
};
const agentRendition = object({
	id: count("The rendition."),
	encoded: count("Frames encoded."),
	notEncoded: count("Frames left out because the uplink had no room."),
	refused: count("Frames the agent's socket refused."),
});
const counters = object({
	received: object({
		frames: count("Taken from the agent."),
		bytes: count("Of those frames."),
		refused: count("That were not what their header said."),
	}),
	agent: orNull(
		object({
			captured: count("Frames taken from the source."),
			replaced: count("Of them replaced by a newer one before encoding."),
			renditions: list(agentRendition),
		}),
	),
	delivery: object(
		{
			offered: count("Frames meant for a viewer."),
			sent: count("Handed to a viewer's socket."),
			replaced: count("Replaced by a newer one while they waited."),
			dropped: count("Refused by a viewer's socket."),
			notDue: count("More than the viewer takes."),
			waiting: count("In the viewers' boxes now."),
		},
		"Of the viewers connected now; the totals are in /metrics.",
	),
});

/** What the API answers, by name. */
export const SCHEMAS = {
	...ACCESS_SCHEMAS,
	Problem: object({ error: text("What was wrong.") }),
	Health: object({ status: { const: "ok" }, faults: count("Exceptions that are a fault of the relay.") }),
	Readiness: object({
		status: { type: "string", enum: ["ready", "not ready"] },
		reason: text("How many cameras are live, or why none is."),
	}),
	CameraState: object(state),
	Camera: object({
		...state,
		ladder: list(rendition),
		demand: list(count("A rendition the agent is asked to make.")),
		viewers: count("Of every kind."),
		counters,
	}),
} as const satisfies Record<string, Schema>;
