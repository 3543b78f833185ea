import type { Server } from "bun";
import { type Admitted, Door } from "./access/door.ts";
import { type Certificate, certificateOf } from "./certificate.ts";
import type { RelayConfig } from "./config.ts";
import { type Page, SECURITY } from "./pages.ts";
import { type Accepted, websocket } from "./socket.ts";
import { actionOf } from "./tools/action.ts";
import type { Arrival } from "./upgrades.ts";

const MAX_BODY_BYTES = 32 * 1024;
const IDLE_S = 30;
const HSTS = "max-age=31536000";

interface Answers {
	pages: readonly Page[];
	/** What is no page; undefined once the request has become a WebSocket. */
	answer(request: Request): Response | undefined | Promise<Response | undefined>;
	/** Learns who sent each request before it is answered. */
	callers: WeakMap<Request, Arrival>;
}

/** Listens, with or without TLS, and looks at every request before anything else does. */
export class Listener {
	readonly #config: RelayConfig;
	readonly #answers: Answers;
	readonly #door: Door;
	#server: Server<Accepted>;
	readonly #retired: Server<Accepted>[] = [];

	/** Listens at once; throws when the address cannot be had, ConfigError when the certificate cannot be used. */
	constructor(config: RelayConfig, answers: Answers) {
		this.#config = config;
		this.#answers = answers;
		this.#door = new Door(config.door);
		this.#server = this.#serve(config.port, certificateOf(config));
	}

	get url(): string {
		const { hostname = "", port } = this.#server;
		return `${this.#config.tls ? "https" : "http"}://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`;
	}

	/**
	 * Listens anew with the certificate as it is now; connections of the old listener go on. Bun's `reload` ignores a
	 * new certificate. False without TLS; throws ConfigError, and changes nothing, when the new one cannot be used.
	 */
	renew(): boolean {
		const certificate = certificateOf(this.#config);
		if (!certificate) return false;
		const old = this.#server;
		const port = old.port ?? this.#config.port; // it knows none once it has stopped
		void old.stop(false); // gives the port up at once, its connections when they end
		this.#retired.push(old);
		this.#server = this.#serve(port, certificate);
		return true;
	}

	/** Takes no new connection; those there are go on. */
	refuse(): void {
		void this.#server.stop(false); // resolves when the last one has ended
	}

	async stop(): Promise<void> {
		// Without true it would wait for viewers for ever.
		await Promise.all([this.#server, ...this.#retired].map((server) => server.stop(true)));
	}

	#serve(port: number, certificate: Certificate | null): Server<Accepted> {
		const { pages } = this.#answers;
		const entry = pages.find(({ path }) => path === "/");
		return Bun.serve<Accepted>({
			hostname: this.#config.host,
			port,
			reusePort: this.#config.sharesPort, // unless told, or a second relay would silently take half of the connections
			idleTimeout: IDLE_S,
			development: false,
			maxRequestBodySize: MAX_BODY_BYTES,
			...(certificate ? { tls: certificate } : {}),
			websocket,
			routes: {
				...Object.fromEntries(pages.map(({ path, response }) => [path, response()])),
				...(entry && {
					"/": (request: Request, server: Server<Accepted>) => this.#atEntry(request, server, entry),
				}),
			},
			fetch: (request, server) => this.#receive(request, server),
		});
	}

	/** The page stands at the same address as what other programs ask for by a query. */
	#atEntry(
		request: Request,
		server: Server<Accepted>,
		{ answer }: Page,
	): Response | Promise<Response | undefined> {
		return actionOf(request) ? this.#receive(request, server) : answer(request);
	}

	async #receive(request: Request, server: Server<Accepted>): Promise<Response | undefined> {
		const peer = server.requestIP(request);
		if (!peer) return; // it has hung up
		const entry = this.#door.enter(request.headers, peer.address);
		if ("status" in entry) return secured(Response.json({ error: entry.words }, { status: entry.status }));
		this.#answers.callers.set(request, { caller: entry.caller, server });
		if (this.#answers.pages.length === 0 && new URL(request.url).pathname === "/" && !actionOf(request))
			return new Response("The page is not built: bun run build\n", { status: 503 });
		const response = await this.#answers.answer(request);
		return response && secured(response, entry);
	}
}

/** `entry`: who is answered, once the door let them in. */
function secured(response: Response, entry?: Admitted): Response {
	for (const [name, value] of Object.entries(SECURITY)) response.headers.set(name, value);
	if (!response.headers.has("Cache-Control")) response.headers.set("Cache-Control", "no-store");
	if (entry?.mayEmbed) response.headers.set("Cross-Origin-Resource-Policy", "cross-origin");
	if (entry?.caller.isHttps) response.headers.set("Strict-Transport-Security", HSTS);
	return response;
}
