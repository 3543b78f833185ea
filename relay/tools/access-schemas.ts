import { MAX_LABEL_CHARS, MAX_LINK_MS } from "#shared/access.ts";
import { CAMERA_ID } from "#shared/protocol.ts";
import { count, list, object, orNull, type Schema, text } from "./schema.ts";

const time = count("ms since the Unix epoch.");
const cameraIds = list({ type: "string", pattern: CAMERA_ID.source });
const label = { type: "string", maxLength: MAX_LABEL_CHARS, description: "What operators see it as." };

const link = object({
	id: text("Names it; not its token."),
	label,
	cameras: cameraIds,
	created: time,
	expires: time,
	isRevoked: { type: "boolean" },
	viewers: count("Connections that watch by it now."),
});
const viewer = object({
	id: text("Names the connection."),
	address: text("Where it comes from."),
	by: { type: "string", enum: ["public", "link", "viewer", "operator"] },
	link: orNull(text("The link's label or id.")),
	since: time,
	cameras: cameraIds,
});

/** What the API says of who may do what, by name. */
export const ACCESS_SCHEMAS = {
	Entry: {
		oneOf: [
			object({ token: text("Of a share link.") }),
			object({ password: text("Of viewers or of operators.") }),
		],
	},
	Session: object({
		role: { type: "string", enum: ["visitor", "guest", "viewer", "operator"] },
		expires: orNull(time),
		canSignIn: { type: "boolean", description: "Whether there is a password for anybody." },
	}),
	Entered: {
		oneOf: [
			object({ cameras: cameraIds }),
			object({ role: { type: "string", enum: ["viewer", "operator"] } }),
		],
	},
	WantedLink: object({
		label,
		cameras: cameraIds,
		lastsMs: { type: "integer", minimum: 60_000, maximum: MAX_LINK_MS },
	}),
	NewLink: object({ url: text("With the token, which is told only now."), link }),
	Operation: object({
		now: time,
		isLasting: { type: "boolean", description: "Whether links and revocations survive a restart." },
		cameras: list(
			object({
				id: { type: "string", pattern: CAMERA_ID.source },
				name: text("What people call it."),
				state: { type: "string", enum: ["live", "connecting", "offline"] },
				audience: { type: "string", enum: ["public", "link", "sign-in"] },
				viewers: count("Of every kind."),
			}),
		),
		links: list(link),
		viewers: list(viewer),
	}),
} as const satisfies Record<string, Schema>;
