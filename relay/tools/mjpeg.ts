import type { Camera, RelayedFrame } from "../camera.ts";
import { firstFrame } from "./first-frame.ts";
import type { HttpViewer, HttpViewers } from "./http-viewer.ts";
import { type Framing, framingFor, MULTIPART_TYPE } from "./multipart.ts";
import { type NumberParameter, readNumbers } from "./query.ts";
import type { Reader } from "./reader.ts";
import { PICTURE_QUERY } from "./rendition-choice.ts";

/** What may stand behind `stream.mjpg?`. */
export const MJPEG_QUERY = {
	fps: {
		type: "number",
		minimum: 0.1,
		maximum: 120,
		description: "Pictures a second at most; without it all the camera makes.",
		example: 10,
	},
	...PICTURE_QUERY,
} as const satisfies Record<string, NumberParameter>;

const HEADERS = {
	"Content-Type": MULTIPART_TYPE,
	"Cache-Control": "no-store, no-transform",
	"X-Accel-Buffering": "no", // nginx
	"X-Content-Type-Options": "nosniff",
};

/**
 * A camera as motion JPEG (multipart/x-mixed-replace). A new picture is taken only when the connection has taken the
 * last one whole: what comes meanwhile replaces the one that waits. Answers once there is a picture; throws HttpProblem.
 */
export async function mjpeg(viewers: HttpViewers, camera: Camera, reader: Reader): Promise<Response> {
	const { request, line } = reader;
	const { fps, ...wanted } = readNumbers(new URL(request.url).searchParams, MJPEG_QUERY);
	const viewer = viewers.watch(camera, { ...wanted, framesPerSecond: fps }, reader);
	try {
		const first = await firstFrame(viewer, request.signal);
		const framing = framingFor(request.headers.get("User-Agent"));
		line.keep();
		viewer.onEnded = () => line.hangUp();
		request.signal.addEventListener("abort", () => viewer.end(), { once: true });
		return new Response(partsOf(viewer, framing, first), { headers: HEADERS });
	} catch (cause) {
		viewer.end();
		throw cause;
	}
}

function partsOf(viewer: HttpViewer, framing: Framing, first: RelayedFrame): ReadableStream<Uint8Array> {
	let ready: RelayedFrame | null = first;
	return new ReadableStream<Uint8Array>(
		{
			async pull(controller) {
				if (ready) controller.enqueue(framing.opening);
				const frame = ready ?? (await viewer.next());
				ready = null;
				if (frame) controller.enqueue(framing.partOf(frame));
				else controller.close();
			},
			cancel() {
				viewer.end();
			},
		},
		{ highWaterMark: 0 }, // nothing is made ahead: pull comes when the connection has taken the last part
	);
}
