import type { Camera, RelayedFrame } from "../camera.ts";
import { firstFrame } from "./first-frame.ts";
import type { HttpViewers } from "./http-viewer.ts";
import { type NumberParameter, readNumbers } from "./query.ts";
import type { Reader } from "./reader.ts";
import { PICTURE_QUERY } from "./rendition-choice.ts";

const MAX_INSTANT = 8.64e15;
const MAX_AGE_S = 1; // so that several tools that ask at the same time share one frame

/** What may stand behind `snapshot.jpg?`. */
export const SNAPSHOT_QUERY = {
	...PICTURE_QUERY,
	"max-age": {
		type: "number",
		minimum: 0,
		maximum: 86_400,
		description: `Seconds the picture may be old, ${MAX_AGE_S} unless told. 0 waits for one captured after the request; a large one takes the last picture of a camera that is offline.`,
		example: 2,
	},
} as const satisfies Record<string, NumberParameter>;

/**
 * One picture of a camera, as fresh as asked. The request is a viewer for as long as it waits: the agent makes the
 * rendition if nobody else watches it. Throws HttpProblem.
 */
export async function snapshot(viewers: HttpViewers, camera: Camera, reader: Reader): Promise<Response> {
	const { request } = reader;
	const { clock } = viewers.hub;
	const query = readNumbers(new URL(request.url).searchParams, SNAPSHOT_QUERY);
	const oldestTime = clock() - (query["max-age"] ?? MAX_AGE_S) * 1_000;
	const viewer = viewers.watch(camera, { ...query, framesPerSecond: null }, reader);
	try {
		const frame = await firstFrame(viewer, request.signal, ({ header }) => header.captureTime >= oldestTime);
		return pictureResponse(camera, frame, request);
	} finally {
		viewer.end();
	}
}

function pictureResponse(camera: Camera, { header, body }: RelayedFrame, request: Request): Response {
	// An agent may say any number; a Date takes those up to MAX_INSTANT only.
	const captureTime = new Date(Math.min(MAX_INSTANT, Math.max(0, header.captureTime))).toISOString();
	// The capture time belongs to it: after relay and agent started anew, epoch and seq begin again.
	const tag = `"${header.epoch}-${header.rendition}-${header.seq}-${Math.round(header.captureTime).toString(36)}"`;
	const headers = {
		ETag: tag,
		"Cache-Control": "private, no-cache", // may be kept, must be asked for: the tag answers
		"X-Capture-Time": captureTime,
	};
	if (matches(request.headers.get("If-None-Match"), tag)) return new Response(null, { status: 304, headers });
	return new Response(body as Uint8Array<ArrayBuffer>, {
		headers: {
			...headers,
			"Content-Type": "image/jpeg",
			"Content-Disposition": `inline; filename="${camera.id}-${captureTime.replaceAll(":", "-")}.jpg"`,
			"X-Content-Type-Options": "nosniff",
		},
	});
}

/** RFC 9110 section 13.1.2: a list of tags, weak ones compare as strong ones, `*` is any. */
function matches(ifNoneMatch: string | null, tag: string): boolean {
	if (ifNoneMatch === null) return false;
	const tags = ifNoneMatch.split(",").map((one) => one.trim().replace(/^W\//, ""));
	return tags.includes("*") || tags.includes(tag);
}
