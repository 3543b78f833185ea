import type { ServerWebSocket } from "bun";
import { decodeAck } from "#shared/ack.ts";
import { decodeHeader, messageType } from "#shared/frame.ts";

interface Leg {
	url: string;
	relay: WebSocket | null;
	/** Bodies on their way, by delivery. */
	bodyBytes: Map<number, number>;
	header: Uint8Array | null;
}

/** One acknowledged frame, as the sender sees it. */
export interface Arrival {
	bodyBytes: number;
	/** From the header's arrival to the body's, by the receiver's own clock, ms. */
	spacingMs: number;
}

/** Stands between a relay and its pages, passes everything on and notes what the acks say. */
export class AckTap implements AsyncDisposable {
	readonly arrivals: Arrival[] = [];
	readonly #relayUrl: string;
	readonly #server: Bun.Server<Leg>;

	/** Listens at once; `relayUrl` without a slash at the end. */
	constructor(relayUrl: string) {
		this.#relayUrl = relayUrl;
		this.#server = Bun.serve<Leg>({
			hostname: "127.0.0.1",
			port: 0,
			fetch: (request, server) => this.#serve(request, server),
			websocket: {
				open: (page) => this.#dial(page),
				message: (page, message) => this.#fromPage(page, message),
				close: (page) => page.data.relay?.close(),
			},
		});
	}

	get port(): number {
		return this.#server.port ?? 0;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#server.stop(true);
	}

	async #serve(request: Request, server: Bun.Server<Leg>): Promise<Response | undefined> {
		const { pathname, search } = new URL(request.url);
		const url = `${this.#relayUrl}${pathname}${search}`;
		const data: Leg = { url: url.replace("http", "ws"), relay: null, bodyBytes: new Map(), header: null };
		if (request.headers.get("upgrade") && server.upgrade(request, { data })) return undefined;
		return await fetch(url);
	}

	#dial(page: ServerWebSocket<Leg>): void {
		const relay = new WebSocket(page.data.url);
		relay.binaryType = "arraybuffer";
		page.data.relay = relay;
		relay.addEventListener("message", ({ data }) => this.#fromRelay(page, data));
		relay.addEventListener("close", ({ code, reason }) => page.close(code, reason));
	}

	/** Header and body leave in one write, as the relay's do. */
	#fromRelay(page: ServerWebSocket<Leg>, data: string | ArrayBuffer): void {
		if (typeof data === "string") return void page.sendText(data);
		const message = new Uint8Array(data);
		const { header } = page.data;
		if (header) {
			page.data.header = null;
			page.cork(() => {
				page.sendBinary(header);
				page.sendBinary(message);
			});
			return;
		}
		if (messageType(message) !== "frame") return void page.sendBinary(message);
		page.data.header = message;
		const { delivery, bodyBytes } = decodeHeader(message);
		page.data.bodyBytes.set(delivery, bodyBytes);
	}

	#fromPage({ data }: ServerWebSocket<Leg>, message: string | Buffer): void {
		if (typeof message !== "string" && messageType(message) === "ack") {
			const { delivery, headerTime, bodyTime } = decodeAck(message);
			const bodyBytes = data.bodyBytes.get(delivery);
			data.bodyBytes.delete(delivery);
			if (bodyBytes !== undefined) this.arrivals.push({ bodyBytes, spacingMs: bodyTime - headerTime });
		}
		const pass = () => data.relay?.send(message as string | Buffer<ArrayBuffer>);
		if (data.relay?.readyState === WebSocket.CONNECTING) data.relay.addEventListener("open", pass);
		else pass();
	}
}
