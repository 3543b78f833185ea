import { Elysia } from "elysia";
import type { Camera } from "../camera.ts";
import type { Hub } from "../hub.ts";
import { CameraEvents } from "./camera-events.ts";
import { EXPOSITION_TYPE } from "./exposition.ts";
import { HttpViewers } from "./http-viewer.ts";
import { lineOf } from "./line.ts";
import type { LoopLag } from "./loop-lag.ts";
import { metricsText } from "./metrics.ts";
import { mjpeg } from "./mjpeg.ts";
import { OPENAPI } from "./openapi.ts";
import { answered, HttpProblem } from "./query.ts";
import { snapshot } from "./snapshot.ts";

/** Everything that other programs read: stills, motion JPEG, metrics, events, the API's description. */
export function toolRoutes(hub: Hub, lag: LoopLag) {
	const viewers = new HttpViewers(hub);
	const events = new CameraEvents(hub);
	const still = (id: string | undefined, request: Request) =>
		answered(() => snapshot(viewers, cameraOf(hub, id), request));
	const motion = (id: string | undefined, request: Request, server: unknown) =>
		answered(() => mjpeg(viewers, cameraOf(hub, id), { request, line: lineOf(server, request) }));
	const plugin = new Elysia()
		.get("/cameras/:id/snapshot.jpg", ({ params, request }) => still(params.id, request))
		.get("/cameras/:id/stream.mjpg", ({ params, request, server }) => motion(params.id, request, server))
		.get("/api/events", ({ request, server }) =>
			answered(() => events.open(request.signal, lineOf(server, request))),
		)
		.get("/metrics", () => {
			const text = metricsText({ hub, viewers, events, lag });
			return new Response(text, {
				headers: { "Content-Type": EXPOSITION_TYPE, "Cache-Control": "no-store" },
			});
		})
		.get("/openapi/json", () => Response.json(OPENAPI));

	/** mjpg-streamer's addresses, `/?action=stream` and `/?action=snapshot`; null for every other request of the page. */
	function action(request: Request, server: unknown): Promise<Response> | null {
		const query = new URL(request.url).searchParams;
		const id = query.get("camera") ?? hub.firstCamera?.id;
		switch (query.get("action")) {
			case "snapshot":
				return still(id, request);
			case "stream":
				return motion(id, request, server);
			default:
				return null;
		}
	}
	return { plugin, action };
}

function cameraOf(hub: Hub, id: string | undefined): Camera {
	if (id === undefined) throw new HttpProblem(503, "no agent has published a camera", 5);
	const camera = hub.camera(id);
	if (!camera) throw new HttpProblem(404, `no camera "${id}"`);
	return camera;
}
