import type { Server } from "bun";
import type { CloseReason } from "#shared/close.ts";
import type { Access } from "./access/access.ts";
import type { Caller } from "./access/door.ts";
import type { Presence } from "./access/presence.ts";
import type { Visitor } from "./access/visitor.ts";
import type { Hub } from "./hub.ts";
import { Publisher } from "./publisher.ts";
import { REFUSED_QUALITY, ReroViewer, reroQuality } from "./rero.ts";
import type { Accepted, Session, Socket } from "./socket.ts";
import { type Line, lineOf } from "./tools/line.ts";
import { Viewer } from "./viewer.ts";

/** Who sent a request, and the server it came in by. */
export interface Arrival {
	caller: Caller;
	server: Server<Accepted>;
}

interface Parts {
	hub: Hub;
	access: Access;
	presence: Presence;
	viewersPerCamera: number;
}

/** Turns requests into connections of those who may have one. */
export class Upgrades {
	/** Filled by whoever let the request in. */
	readonly callers = new WeakMap<Request, Arrival>();
	readonly #parts: Parts;

	constructor(parts: Parts) {
		this.#parts = parts;
	}

	callerOf(request: Request): Caller {
		return this.#arrivalOf(request).caller;
	}

	visitorOf(request: Request): Promise<Visitor> {
		return this.#parts.access.visitor(request.headers, this.callerOf(request));
	}

	/** The connection a request came by. */
	lineOf(request: Request): Line {
		return lineOf(this.#arrivalOf(request).server, request);
	}

	publish(request: Request): Response | undefined {
		const { hub, access, presence } = this.#parts;
		const caller = this.callerOf(request);
		const rights = access.publishRights(request.headers);
		return this.#upgrade(request, (socket) => {
			if (!rights) return refused(socket, "badKey", "this relay wants a publish key it knows: RELAY_KEY");
			const session = new Publisher(socket, hub, rights);
			const mayStay = () => [...session.cameras].every(({ id }) => rights.opens(id));
			return presence.agent(session, { caller, mayStay });
		});
	}

	async watch(request: Request): Promise<Response | undefined> {
		const { hub, presence, viewersPerCamera } = this.#parts;
		const caller = this.callerOf(request);
		const visitor = await this.visitorOf(request);
		return this.#upgrade(request, (socket) => {
			if (!visitor.seesAny) return refused(socket, visitor.denial.reason, visitor.denial.words);
			const session = new Viewer(socket, hub, { visitor, viewersPerCamera });
			return presence.viewer(session, { caller, visitor, cameras: () => camerasOf(session) });
		});
	}

	async rero(request: Request, qualityText: string): Promise<Response | undefined> {
		const { hub, presence, viewersPerCamera } = this.#parts;
		const caller = this.callerOf(request);
		const quality = reroQuality(qualityText);
		const visitor = await this.visitorOf(request);
		return this.#upgrade(request, (socket) => {
			if (quality === null) return refused(socket, "unsupported", REFUSED_QUALITY);
			if (!visitor.seesAny) return refused(socket, visitor.denial.reason, visitor.denial.words);
			const session = new ReroViewer(socket, hub, { quality, visitor, viewersPerCamera });
			return presence.viewer(session, { caller, visitor, cameras: () => camerasOf(session) });
		});
	}

	#upgrade(request: Request, start: (socket: Socket) => Session): Response | undefined {
		const { caller, server } = this.#arrivalOf(request);
		if (!this.#parts.presence.hasRoom(caller.address))
			return Response.json(
				{ error: "too many connections" },
				{ status: 503, headers: { "Retry-After": "10", Connection: "close" } },
			);
		if (server.upgrade(request, { data: { start, session: null } })) return;
		return new Response("Expected a WebSocket connection\n", {
			status: 426,
			headers: { Upgrade: "websocket" },
		});
	}

	#arrivalOf(request: Request): Arrival {
		const arrival = this.callers.get(request);
		if (!arrival) throw new Error("a request that came in by no door");
		return arrival;
	}
}

function camerasOf({ downlink }: Viewer | ReroViewer): string[] {
	return downlink.subscribers.map(({ camera }) => camera.id);
}

/** A browser cannot read why an upgrade failed, so the connection is accepted and closed with the reason. */
function refused(socket: Socket, reason: CloseReason, words: string): Session {
	socket.close(reason, words);
	return { text() {}, binary() {}, pong() {}, drained() {}, closed() {} };
}
