import type { Camera, RelayedFrame } from "../camera.ts";
import type { HttpViewer } from "./http-viewer.ts";
import { HttpProblem } from "./query.ts";

const WAIT_MS = 5_000; // a camera that was idle needs about one: its source is opened, the first frame encoded

/**
 * The viewer's first frame of its own rendition that `fits`: programs take the size of the first picture for that of all.
 * Of a camera that gives no picture now it is the one kept, whatever its size. Throws HttpProblem: 503 with the reason
 * when there is none, 504 when the camera is live and none came within 5 s. The viewer goes on watching; the caller ends it.
 */
export async function firstFrame(
	viewer: HttpViewer,
	signal: AbortSignal,
	fits: (frame: RelayedFrame) => boolean = () => true,
): Promise<RelayedFrame> {
	const { camera } = viewer;
	const deadline = AbortSignal.any([signal, AbortSignal.timeout(WAIT_MS)]);
	const end = () => viewer.end();
	deadline.addEventListener("abort", end, { once: true });
	try {
		while (viewer.hasWaiting || camera.status.state !== "offline") {
			const frame = await viewer.next();
			if (!frame) break;
			if (fits(frame) && (viewer.isOwn(frame) || !camera.isLive)) return frame;
		}
	} finally {
		deadline.removeEventListener("abort", end);
	}
	if (camera.isLive) throw new HttpProblem(504, `camera "${camera.id}" gave no picture within 5 s`, 5);
	throw noPicture(camera);
}

function noPicture({ id, status: { state, reason, detail } }: Camera): HttpProblem {
	const why = [reason, detail].filter((word) => word !== null).join(": ");
	return new HttpProblem(503, `camera "${id}" is ${state}${why ? ` (${why})` : ""} and has no picture`, 5);
}
