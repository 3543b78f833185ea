import { CAMERA_ID } from "#shared/protocol.ts";
import { ACCESS_PATHS } from "./access-paths.ts";
import { header, json, problem, REFUSALS, raw } from "./api-responses.ts";
import { SCHEMAS, schemaRef } from "./api-schemas.ts";
import { EXPOSITION_TYPE } from "./exposition.ts";
import { MJPEG_QUERY } from "./mjpeg.ts";
import type { NumberParameter } from "./query.ts";
import type { Schema } from "./schema.ts";
import { SNAPSHOT_QUERY } from "./snapshot.ts";

const CAMERA: Schema = {
	name: "id",
	in: "path",
	required: true,
	description: "The camera.",
	schema: { type: "string", pattern: CAMERA_ID.source },
	example: "test-card",
};
const NO_CAMERA = problem("There is no such camera.");
const BAD_QUERY = problem("A parameter is not what it should be; the text names it.");
const NO_PICTURE = problem("The camera gives no picture, with the reason; or too many are watching.");

/** The parameters of a query string, from the table that reads it. */
function query(table: Record<string, NumberParameter>): Schema[] {
	return Object.entries(table).map(([name, { description, example, ...schema }]) => {
		return { name, in: "query", description, schema, example };
	});
}

const snapshotHeaders = {
	ETag: header("Names this very picture."),
	"X-Capture-Time": header("When it was taken, ISO 8601, relay's clock."),
	"Content-Disposition": header("A file name with the camera and the capture time."),
};

/** The description of every REST route (OpenAPI 3.1.0). The WebSockets speak shared/PROTOCOL.md. */
export const OPENAPI = {
	openapi: "3.1.0",
	info: {
		title: "Sightline relay",
		version: "1",
		license: { name: "MIT", identifier: "MIT" },
		description:
			"Live cameras for other programs. Pages and agents use WebSockets (`/watch`, `/publish`, `/websocket/{quality}`), which are not described here.",
	},
	servers: [{ url: "/" }],
	tags: [{ name: "cameras" }, { name: "pictures" }, { name: "operation" }, { name: "access" }],
	security: [{}, { bearer: [] }, { cookie: [] }],
	paths: {
		...ACCESS_PATHS,
		"/api/cameras": {
			get: {
				operationId: "listCameras",
				tags: ["cameras"],
				summary: "All cameras, with state, renditions, viewers and counters",
				responses: {
					200: json("Those that may be seen.", { type: "array", items: schemaRef("Camera") }),
					401: REFUSALS[401],
				},
			},
		},
		"/api/cameras/{id}": {
			get: {
				operationId: "getCamera",
				tags: ["cameras"],
				summary: "One camera",
				parameters: [CAMERA],
				responses: { 200: json("The camera.", schemaRef("Camera")), 404: NO_CAMERA, ...REFUSALS },
			},
		},
		"/api/events": {
			get: {
				operationId: "watchStates",
				tags: ["cameras"],
				summary: "Server-sent events of the cameras' states",
				description:
					"First `cameras` with an array of every CameraState, then `camera` with one CameraState per change and `gone` with the id of a camera that left. A comment every 15 s. A reader that reconnects begins with the whole state.",
				responses: {
					200: raw("The events of the cameras that may be seen.", "text/event-stream"),
					401: REFUSALS[401],
					503: problem("Too many readers are connected."),
				},
			},
		},
		"/cameras/{id}/snapshot.jpg": {
			get: {
				operationId: "getSnapshot",
				tags: ["pictures"],
				summary: "One picture, now",
				description:
					"Counts as a viewer while it waits, at most 5 s. `/?action=snapshot&camera=ID` answers the same, without `camera` for the first one.",
				parameters: [CAMERA, ...query(SNAPSHOT_QUERY)],
				responses: {
					200: raw("The picture.", "image/jpeg", snapshotHeaders),
					304: { description: "The picture is still the one named in If-None-Match." },
					400: BAD_QUERY,
					404: NO_CAMERA,
					...REFUSALS,
					503: NO_PICTURE,
					504: problem("The camera is live and no picture came within 5 s."),
				},
			},
		},
		"/cameras/{id}/stream.mjpg": {
			get: {
				operationId: "watchMjpeg",
				tags: ["pictures"],
				summary: "Motion JPEG, always the newest picture",
				description:
					"Counts as a viewer until the connection ends. Each part has Content-Length and X-Timestamp, the capture time in Unix seconds. `/?action=stream&camera=ID` answers the same, without `camera` for the first one.",
				parameters: [CAMERA, ...query(MJPEG_QUERY)],
				responses: {
					200: raw("The pictures.", "multipart/x-mixed-replace; boundary=frame"),
					400: BAD_QUERY,
					404: NO_CAMERA,
					...REFUSALS,
					503: NO_PICTURE,
					504: problem("The camera is live and no picture came within 5 s."),
				},
			},
		},
		"/healthz": {
			get: {
				operationId: "isAlive",
				tags: ["operation"],
				summary: "Whether the relay is alive",
				responses: { 200: json("It is.", schemaRef("Health")) },
			},
		},
		"/readyz": {
			get: {
				operationId: "isReady",
				tags: ["operation"],
				summary: "Whether a camera is live",
				responses: {
					200: json("One is.", schemaRef("Readiness")),
					503: json("None is, with the reason.", schemaRef("Readiness")),
				},
			},
		},
		"/metrics": {
			get: {
				operationId: "getMetrics",
				tags: ["operation"],
				summary: "Prometheus metrics",
				description: "Where others reach the relay: for operators, or with METRICS_TOKEN as the bearer.",
				responses: { 200: raw("The text format 0.0.4.", EXPOSITION_TYPE), ...REFUSALS },
			},
		},
		"/openapi/json": {
			get: {
				operationId: "getDescription",
				tags: ["operation"],
				summary: "This description",
				responses: { 200: json("OpenAPI 3.1.", { type: "object" }) },
			},
		},
	},
	components: {
		schemas: SCHEMAS,
		securitySchemes: {
			bearer: {
				type: "http",
				scheme: "bearer",
				description: "A share link's token: what stands behind `#t=` in its address.",
			},
			cookie: {
				type: "apiKey",
				in: "cookie",
				name: "__Host-sightline",
				description: "What POST /api/session set; over http its name is `sightline-` and the port.",
			},
		},
	},
};
