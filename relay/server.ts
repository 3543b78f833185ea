import { Elysia } from "elysia";
import { ProtocolError } from "#shared/errors.ts";
import { Log, wordsOf } from "#shared/log.ts";
import { namesMissingIn, openAccess } from "./access/open-access.ts";
import { OperatorApi } from "./access/operator-api.ts";
import { Passwords } from "./access/passwords.ts";
import { Presence } from "./access/presence.ts";
import { SessionApi } from "./access/session-api.ts";
import { DENIED } from "./access/visitor.ts";
import { ConfigError, type RelayConfig } from "./config.ts";
import { faults, noteFault } from "./faults.ts";
import { handOver } from "./handover.ts";
import { Hub } from "./hub.ts";
import { Listener } from "./listener.ts";
import { readPages } from "./pages.ts";
import { cameraReport, readiness } from "./status.ts";
import { LoopLag } from "./tools/loop-lag.ts";
import { type ToolParts, toolRoutes } from "./tools/routes.ts";
import { Upgrades } from "./upgrades.ts";

const TICK_MS = 50; // a frame that no ack frees is looked at this often

/** A relay that listens. */
export interface Relay {
	url: string;
	/** Takes a renewed certificate; what is connected stays. Says in the log how it went. */
	renewCertificate(): void;
	/**
	 * Takes the keys and passwords of these settings; ends only what came in by those that are gone. Throws ConfigError,
	 * and changes nothing, where it could not start with them.
	 */
	renewAccess(config: RelayConfig): void;
	/** Stops listening and ends every connection, after handing it over where the port is shared. */
	stop(): Promise<void>;
}

const log = new Log("relay");

/**
 * Starts a relay; `pagesFolder` holds the built viewer. Throws ConfigError while it was not told who may do what, and
 * whatever the system says when the address cannot be had.
 */
export function startRelay(config: RelayConfig, pagesFolder: string): Relay {
	const access = openAccess(config);
	const presence = new Presence(access, config.limits);
	const hub = new Hub();
	const upgrades = new Upgrades({ hub, access, presence, viewersPerCamera: config.limits.viewersPerCamera });
	const lag = new LoopLag(TICK_MS);
	const app = routes({
		tools: { hub, access, presence, upgrades, lag, viewersPerCamera: config.limits.viewersPerCamera },
		hub,
		upgrades,
		session: new SessionApi(access, presence),
		operator: new OperatorApi({ access, presence, hub, publicOrigin: config.door.publicUrl?.origin ?? null }),
	});
	const listener = new Listener(config, {
		pages: readPages(pagesFolder),
		answer: (request) => app.fetch(request),
		callers: upgrades.callers,
	});
	const ticker = setInterval(() => {
		lag.turn(performance.now());
		hub.tick();
	}, TICK_MS);
	if (config.access.isExposed && !isEncrypted(config))
		log.warn(
			"pictures, links and passwords travel unencrypted: set TLS_CERT and TLS_KEY, or PUBLIC_URL=https://...",
		);
	return {
		url: listener.url,
		renewCertificate() {
			try {
				if (listener.renew()) log.info("certificate renewed");
			} catch (cause) {
				log.error("certificate not renewed, the old one stays", { why: wordsOf(cause) });
			}
		},
		renewAccess({ access: given }) {
			const missing = namesMissingIn(given, access.records.keys().length);
			if (missing.length > 0) throw new ConfigError(`nothing is left of ${missing.join(", ")}`);
			const { publishKeys, passwords } = given;
			access.renew({ publishKeys, passwords: new Passwords(passwords) });
			presence.recheckKeys();
			presence.recheck();
			log.info("keys and passwords read anew", { keys: publishKeys.length, passwords: passwords.length });
		},
		async stop() {
			if (config.sharesPort) {
				listener.refuse();
				await handOver(hub);
			}
			clearInterval(ticker);
			presence.stop();
			hub.close("restarting", "the relay is restarting");
			await listener.stop();
			access.records.close();
		},
	};
}

/** Whether people come by https, as far as the relay was told. */
function isEncrypted({ tls, door }: RelayConfig): boolean {
	return tls !== null || door.publicUrl?.protocol === "https:";
}

interface Parts {
	tools: ToolParts;
	hub: Hub;
	upgrades: Upgrades;
	session: SessionApi;
	operator: OperatorApi;
}

/** All routes of a relay, which answer nothing by themselves: `fetch` does. */
export function routes({ tools, hub, upgrades, session, operator }: Parts) {
	const visitorOf = (request: Request) => upgrades.visitorOf(request);
	const callerOf = (request: Request) => upgrades.callerOf(request);
	/** Runs for operators only. */
	const asOperator = async (request: Request, run: () => Response | Promise<Response>) => {
		const visitor = await visitorOf(request);
		if (visitor.isOperator) return await run();
		return Response.json({ error: "for operators only" }, { status: visitor.isSignedIn ? 403 : 401 });
	};
	const parse = { parse: "none" } as const; // bodies are read by those who know their size and shape
	return new Elysia()
		.onError(({ code, error, set }) => {
			if (code === "NOT_FOUND") {
				set.status = 404;
				return { error: "not found" };
			}
			if (error instanceof ProtocolError) {
				set.status = 400;
				return { error: error.message };
			}
			// The framework would answer with the error's own words.
			noteFault("a request", error);
			set.status = 500;
			return { error: "internal error, see the relay's log" };
		})
		.get("/healthz", () => ({ status: "ok", faults: faults.count }))
		.get("/readyz", async ({ request, set }) => {
			const visitor = await visitorOf(request);
			const { isReady, reason } = readiness(hub, (id) => visitor.sees(id));
			set.status = isReady ? 200 : 503;
			return { status: isReady ? "ready" : "not ready", reason };
		})
		.get("/api/cameras", async ({ request, status }) => {
			const visitor = await visitorOf(request);
			if (!visitor.seesAny) return status(401, { error: DENIED });
			const seen = [...hub.cameras].filter(({ id }) => visitor.sees(id));
			return seen.map((camera) => cameraReport(camera, hub.clock()));
		})
		.get("/api/cameras/:id", async ({ request, params, status }) => {
			const visitor = await visitorOf(request);
			// Before looking whether it exists: that is not everybody's to know.
			const refusal = visitor.refusalOf(params.id);
			if (refusal) return status(refusal, { error: DENIED });
			const camera = hub.camera(params.id);
			return camera ? cameraReport(camera, hub.clock()) : status(404, { error: `no camera "${params.id}"` });
		})
		.get("/api/session", async ({ request }) => session.report(await visitorOf(request)))
		.post("/api/session", ({ request }) => session.enter(request, callerOf(request)), parse)
		.delete("/api/session", ({ request }) => session.leave(request.headers, callerOf(request)), parse)
		.get("/api/operator", ({ request }) => asOperator(request, () => operator.report()))
		.post(
			"/api/operator/links",
			({ request }) => asOperator(request, () => operator.makeLink(request, callerOf(request))),
			parse,
		)
		.delete(
			"/api/operator/links/:id",
			({ request, params }) => asOperator(request, () => operator.revokeLink(params.id)),
			parse,
		)
		.delete(
			"/api/operator/viewers/:id",
			({ request, params }) => asOperator(request, () => operator.disconnect(params.id)),
			parse,
		)
		.get("/publish", ({ request }) => upgrades.publish(request))
		.get("/watch", ({ request }) => upgrades.watch(request))
		.get("/websocket/:quality", ({ request, params }) => upgrades.rero(request, params.quality))
		.use(toolRoutes(tools));
}
