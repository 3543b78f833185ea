import { Elysia, NotFoundError } from "elysia";
import type { Access } from "../access/access.ts";
import type { Presence } from "../access/presence.ts";
import { DENIED, type Visitor } from "../access/visitor.ts";
import type { Camera } from "../camera.ts";
import type { Hub } from "../hub.ts";
import type { Upgrades } from "../upgrades.ts";
import { actionOf } from "./action.ts";
import { CameraEvents } from "./camera-events.ts";
import { EXPOSITION_TYPE } from "./exposition.ts";
import { HttpViewers } from "./http-viewer.ts";
import type { LoopLag } from "./loop-lag.ts";
import { metricsText } from "./metrics.ts";
import { mjpeg } from "./mjpeg.ts";
import { OPENAPI } from "./openapi.ts";
import { answered, HttpProblem } from "./query.ts";
import type { Reader } from "./reader.ts";
import { snapshot } from "./snapshot.ts";

/** What the routes for other programs need of a relay. */
export interface ToolParts {
	hub: Hub;
	access: Access;
	presence: Presence;
	upgrades: Upgrades;
	lag: LoopLag;
	viewersPerCamera: number;
}

/** Everything that other programs read: stills, motion JPEG, metrics, events, the API's description. */
export function toolRoutes({ hub, access, presence, upgrades, lag, viewersPerCamera }: ToolParts) {
	const viewers = new HttpViewers(hub, { presence, perCamera: viewersPerCamera });
	const events = new CameraEvents(hub, presence);
	const readerOf = async (request: Request): Promise<Reader> => ({
		request,
		visitor: await upgrades.visitorOf(request),
		caller: upgrades.callerOf(request),
		line: upgrades.lineOf(request),
	});
	const pictures = { snapshot, stream: mjpeg };
	/** A picture or pictures of a camera; without `id` of the first one that may be seen. */
	const show = (kind: keyof typeof pictures, request: Request, id: string | null) =>
		answered(async () => {
			const reader = await readerOf(request);
			const camera = id === null ? firstCamera(hub, reader.visitor) : namedCamera(hub, reader.visitor, id);
			return await pictures[kind](viewers, camera, reader);
		});
	return new Elysia()
		.get("/cameras/:id/snapshot.jpg", ({ params, request }) => show("snapshot", request, params.id))
		.get("/cameras/:id/stream.mjpg", ({ params, request }) => show("stream", request, params.id))
		.get("/", ({ request }) => {
			const kind = actionOf(request);
			if (!kind) throw new NotFoundError();
			return show(kind, request, new URL(request.url).searchParams.get("camera"));
		})
		.get("/api/events", ({ request }) => answered(async () => events.open(await readerOf(request))))
		.get("/metrics", async ({ request }) => {
			const visitor = await upgrades.visitorOf(request);
			if (!access.mayMeasure(request.headers, visitor))
				return Response.json(
					{ error: "for operators, or with METRICS_TOKEN" },
					{ status: visitor.isSignedIn ? 403 : 401 },
				);
			const text = metricsText({ hub, viewers, events, lag });
			return new Response(text, { headers: { "Content-Type": EXPOSITION_TYPE } });
		})
		.get("/openapi/json", () => Response.json(OPENAPI));
}

function firstCamera(hub: Hub, visitor: Visitor): Camera {
	if (!visitor.seesAny) throw new HttpProblem(401, DENIED);
	const camera = [...hub.cameras].find(({ id }) => visitor.sees(id));
	if (!camera) throw new HttpProblem(503, "no agent has published a camera", 5);
	return camera;
}

function namedCamera(hub: Hub, visitor: Visitor, id: string): Camera {
	// Before looking whether it exists: that is not everybody's to know.
	const refusal = visitor.refusalOf(id);
	if (refusal) throw new HttpProblem(refusal, DENIED);
	const camera = hub.camera(id);
	if (!camera) throw new HttpProblem(404, `no camera "${id}"`);
	return camera;
}
