import { Elysia } from "elysia";
import type { RelayConfig } from "./config.ts";
import { faults, noteFault } from "./faults.ts";
import { Hub } from "./hub.ts";
import { readPages } from "./pages.ts";
import { Publisher } from "./publisher.ts";
import { REFUSED_QUALITY, ReroViewer, reroQuality } from "./rero.ts";
import { type Accepted, type Session, type Socket, websocket } from "./socket.ts";
import { cameraReport, readiness } from "./status.ts";
import { LoopLag } from "./tools/loop-lag.ts";
import { toolRoutes } from "./tools/routes.ts";
import { Viewer } from "./viewer.ts";

const TICK_MS = 50; // a frame that no ack frees is looked at this often

/** A relay that listens. */
export interface Relay {
	url: string;
	/** Tells every peer to come back later and stops listening. Idempotent. */
	stop(): Promise<void>;
}

/** Starts a relay; `pagesFolder` holds the built viewer. Throws when the address cannot be had. */
export function startRelay(config: RelayConfig, pagesFolder: string): Relay {
	const hub = new Hub();
	const lag = new LoopLag(TICK_MS);
	const app = routes(hub, pagesFolder, lag).listen({
		hostname: config.host,
		port: config.port,
		reusePort: false, // or a second relay would silently take half of the connections
		idleTimeout: 30,
		development: false,
		websocket,
	});
	const ticker = setInterval(() => {
		lag.turn(performance.now());
		hub.tick();
	}, TICK_MS);
	const { server } = app;
	if (!server) throw new Error("the relay could not listen");
	return {
		url: `http://${server.hostname?.includes(":") ? `[${server.hostname}]` : server.hostname}:${server.port}`,
		async stop() {
			clearInterval(ticker);
			hub.close("restarting", "the relay is restarting");
			await server.stop(true); // without true it waits for viewers for ever
		},
	};
}

/** All routes of a relay; nothing listens yet. */
export function routes(hub: Hub, pagesFolder: string, lag: LoopLag) {
	const pages = readPages(pagesFolder);
	const tools = toolRoutes(hub, lag);
	const app = new Elysia()
		.onError(({ code, error, set }) => {
			if (code === "NOT_FOUND") {
				set.status = 404;
				return { error: "not found" };
			}
			// The framework would answer with the error's own words.
			noteFault("a request", error);
			set.status = 500;
			return { error: "internal error, see the relay's log" };
		})
		.get("/healthz", () => ({ status: "ok", faults: faults.count }))
		.get("/readyz", ({ set }) => {
			const { isReady, reason } = readiness(hub);
			set.status = isReady ? 200 : 503;
			return { status: isReady ? "ready" : "not ready", reason };
		})
		.get("/api/cameras", () => [...hub.cameras].map((camera) => cameraReport(camera, hub.clock())))
		.get("/api/cameras/:id", ({ params, status }) => {
			const camera = hub.camera(params.id);
			return camera ? cameraReport(camera, hub.clock()) : status(404, { error: `no camera "${params.id}"` });
		})
		.get("/publish", ({ request, server }) =>
			upgrade(request, server, (socket) => new Publisher(socket, hub)),
		)
		.get("/watch", ({ request, server }) => upgrade(request, server, (socket) => new Viewer(socket, hub)))
		.get("/websocket/:quality", ({ request, server, params }) => {
			const quality = reroQuality(params.quality);
			return upgrade(request, server, (socket) =>
				quality === null ? refused(socket) : new ReroViewer(socket, hub, quality),
			);
		})
		.use(tools.plugin);
	for (const { path, response } of pages) app.get(path, response());
	const entry = pages.find(({ path }) => path === "/index.html");
	return app.get("/", ({ request, server }) => {
		return (
			tools.action(request, server) ??
			entry?.answer(request) ??
			new Response("The page is not built: bun run build\n", { status: 503 })
		);
	});
}

type Upgrader = { upgrade(request: Request, options: { data: Accepted }): boolean } | null;

function upgrade(request: Request, server: unknown, start: (socket: Socket) => Session) {
	if ((server as Upgrader)?.upgrade(request, { data: { start, session: null } })) return;
	return new Response("Expected a WebSocket connection\n", {
		status: 426,
		headers: { Upgrade: "websocket" },
	});
}

/** A browser cannot read why an upgrade failed, so the connection is accepted and closed with the reason. */
function refused(socket: Socket): Session {
	socket.close("unsupported", REFUSED_QUALITY);
	return { text() {}, binary() {}, pong() {}, drained() {}, closed() {} };
}
