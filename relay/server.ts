import { Elysia } from "elysia";
import type { RelayConfig } from "./config.ts";
import { faults, noteFault } from "./faults.ts";
import { handOver } from "./handover.ts";
import { Hub } from "./hub.ts";
import { readPages } from "./pages.ts";
import { Publisher } from "./publisher.ts";
import { REFUSED_QUALITY, ReroViewer, reroQuality } from "./rero.ts";
import { type Accepted, type Session, type Socket, websocket } from "./socket.ts";
import { cameraReport, readiness } from "./status.ts";
import { Viewer } from "./viewer.ts";

const TICK_MS = 50; // a frame that no ack frees is looked at this often

/** A relay that listens. */
export interface Relay {
	url: string;
	/** Stops listening and ends every connection, after handing it over where the port is shared. */
	stop(): Promise<void>;
}

/** Starts a relay; `pagesFolder` holds the built viewer. Throws when the address cannot be had. */
export function startRelay(config: RelayConfig, pagesFolder: string): Relay {
	const hub = new Hub();
	const app = routes(hub, pagesFolder).listen({
		hostname: config.host,
		port: config.port,
		reusePort: config.sharesPort, // unless told, or a second relay would silently take half of the connections
		idleTimeout: 30,
		development: false,
		websocket,
	});
	const ticker = setInterval(() => hub.tick(), TICK_MS);
	const { server } = app;
	if (!server) throw new Error("the relay could not listen");
	return {
		url: `http://${server.hostname?.includes(":") ? `[${server.hostname}]` : server.hostname}:${server.port}`,
		async stop() {
			if (config.sharesPort) {
				void server.stop(); // takes no new connection; resolves when the last has gone
				await handOver(hub);
			}
			clearInterval(ticker);
			hub.close("restarting", "the relay is restarting");
			await server.stop(true); // without true it waits for viewers for ever
		},
	};
}

function routes(hub: Hub, pagesFolder: string) {
	const pages = readPages(pagesFolder);
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
		});
	for (const { path, response } of pages) {
		app.get(path, response());
		if (path === "/index.html") app.get("/", response());
	}
	if (pages.length === 0)
		app.get("/", () => new Response("The page is not built: bun run build\n", { status: 503 }));
	return app;
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
