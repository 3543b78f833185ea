import { join, resolve } from "node:path";
import type { ServerWebSocket } from "bun";
import { type Ack, decodeAck } from "#shared/ack.ts";
import { localNow } from "#shared/clock.ts";
import { encodeHeader, type FrameHeader, messageType } from "#shared/frame.ts";
import { renditionsFor } from "#shared/ladder.ts";
import { decodePing, encodePong } from "#shared/ping.ts";
import {
	type CameraStatus,
	PROTOCOL_VERSION,
	parseJson,
	parseViewerMessage,
	type ToViewerMessage,
	type Watch,
	type WatchedCamera,
} from "#shared/protocol.ts";
import { until } from "../support/until.ts";

const DIST = resolve(import.meta.dir, "../../viewer/dist");
const CSP =
	"default-src 'self'; img-src 'self' blob: data:; style-src 'self'; script-src 'self'; " +
	"worker-src 'self' blob:; connect-src 'self' ws: wss:";
const AUTO_RENDITION = 5;

type Choices = Extract<ToViewerMessage, { type: "choice" }>;

/** Which of the connections are meant; they are counted from the oldest that is open. */
type Which = "all" | "oldest" | "newest";

interface Page {
	watch: WatchedCamera[];
	delivery: number;
	isWelcome: boolean;
	isMute: boolean;
	lists: number;
}

/** A relay for tests of the page alone: says what it is told to say, notes what it hears. */
export class FakeRelay implements AsyncDisposable {
	/** What pages are told; call `tell` after a change. */
	cameras: CameraStatus[] = [];
	/** What `welcome` claims; anything but ours closes the connection with 4406, as the relay does. */
	protocol = PROTOCOL_VERSION;
	/** Serves the page and no connection. */
	isRefusing = false;
	/** Lets those who say hello wait. */
	isHesitating = false;
	/** Relay clock minus this process's. */
	clockAheadMs = 0;
	readonly watches: Watch[] = [];
	readonly acks: Ack[] = [];
	/** Cameras of which a key was asked, in order. */
	readonly keys: string[] = [];
	readonly errors: string[] = [];
	hellos = 0;
	refusals = 0;
	sent = 0;
	pageLoads = 0;
	#server: Bun.Server<Page> | null = null;
	readonly #sockets = new Set<ServerWebSocket<Page>>();
	#port = 0;
	#seq = 0;

	readonly #hostname: string;

	/** Listens at once. */
	constructor(hostname = "127.0.0.1") {
		this.#hostname = hostname;
		this.start();
	}

	get url(): string {
		return `http://127.0.0.1:${this.#port}/`;
	}

	get port(): number {
		return this.#port;
	}

	get connections(): number {
		return this.#sockets.size;
	}

	/** The newest watch list of the newest page; null before one came. */
	get watched(): WatchedCamera[] | null {
		return this.watches.at(-1)?.cameras ?? null;
	}

	/** How many lists the newest connection has sent. */
	get newestLists(): number {
		return this.#which("newest")[0]?.data.lists ?? 0;
	}

	/** Waits until something was heard. */
	async heard(probe: () => unknown, what: string, timeoutMs = 5_000): Promise<void> {
		await until(() => Boolean(probe()), { what, timeoutMs });
	}

	now(): number {
		return localNow() + this.clockAheadMs;
	}

	start(): void {
		this.#server = Bun.serve<Page>({
			hostname: this.#hostname,
			port: this.#port,
			fetch: (request, server) => this.#serve(request, server),
			websocket: {
				open: (socket) => void this.#sockets.add(socket),
				close: (socket) => void this.#sockets.delete(socket),
				message: (socket, message) => this.#hear(socket, message),
			},
		});
		this.#port = this.#server.port ?? 0;
	}

	/** Ends every connection and takes no new one. */
	async stop(): Promise<void> {
		await this.#server?.stop(true);
		this.#server = null;
		this.#sockets.clear();
	}

	closeAll(code: number, reason = ""): void {
		this.close("all", code, reason);
	}

	close(which: Which, code: number, reason = ""): void {
		for (const socket of this.#which(which)) socket.close(code, reason);
	}

	/** Welcomes those who wait for it, and everybody from now on. */
	welcome(): void {
		this.isHesitating = false;
		for (const socket of this.#sockets) if (!socket.data.isWelcome) this.#welcome(socket);
	}

	/** Says nothing more to those connected now, as if their way were gone. */
	mute(): void {
		for (const socket of this.#sockets) socket.data.isMute = true;
	}

	/** Says something to all pages that no relay would. */
	sayRaw(message: string | Uint8Array<ArrayBuffer>): void {
		for (const socket of this.#sockets) socket.send(message);
	}

	/** Tells all pages what each camera is sent as. */
	choose(cameras: Choices["cameras"], rateBps: number | null = null): void {
		this.sayRaw(JSON.stringify({ type: "choice", rateBps, cameras }));
	}

	/** Tells all pages the cameras as they are now. */
	tell(): void {
		for (const socket of this.#sockets) if (socket.data.isWelcome) this.#tellCameras(socket);
	}

	/** Sends a picture of one camera to every connection that watches it, of those meant; how many that were. */
	send(camera: string, picture: SentPicture, which: Which = "all"): number {
		const status = this.cameras.find(({ id }) => id === camera);
		if (!status) throw new Error(`no camera ${camera}`);
		let receivers = 0;
		for (const socket of this.#which(which)) {
			const watch = socket.data.watch.find(({ id }) => id === camera);
			if (!watch) continue;
			receivers++;
			this.sent++;
			const now = this.now();
			socket.send(
				encodeHeader({
					channel: status.channel,
					rendition: watch.rendition ?? AUTO_RENDITION,
					codec: "jpeg",
					isKey: true,
					isCached: false,
					epoch: 1,
					seq: this.#seq++,
					delivery: socket.data.delivery++,
					bodyBytes: picture.body.length,
					width: picture.width,
					height: picture.height,
					captureTime: now - 20,
					encodeMs: 9,
					relayTime: now - 2,
					sendTime: now,
					config: null,
					...picture.header,
				}),
			);
			socket.send(picture.body);
		}
		return receivers;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.stop();
	}

	async #serve(request: Request, server: Bun.Server<Page>): Promise<Response | undefined> {
		const path = new URL(request.url).pathname.replace(/^\/cams\//, "/"); // as behind a proxy's sub-path
		const data = { watch: [], delivery: 0, isWelcome: false, isMute: false, lists: 0 };
		if (path === "/watch") {
			if (!this.isRefusing && server.upgrade(request, { data })) return undefined;
			this.refusals++;
			return new Response("expected a WebSocket", { status: 426 });
		}
		if (path === "/") this.pageLoads++;
		const file = Bun.file(join(DIST, path === "/" ? "index.html" : path));
		if (!(await file.exists())) return new Response("not found", { status: 404 });
		const open = path === "/live-camera.js" ? { "Access-Control-Allow-Origin": "*" } : null;
		return new Response(file, { headers: { "Content-Security-Policy": CSP, ...open } });
	}

	#which(which: Which): ServerWebSocket<Page>[] {
		const open = [...this.#sockets];
		return which === "all" ? open : which === "oldest" ? open.slice(0, 1) : open.slice(-1);
	}

	#hear(socket: ServerWebSocket<Page>, message: string | Buffer): void {
		if (socket.data.isMute) return;
		try {
			if (typeof message === "string") this.#hearText(socket, message);
			else if (messageType(message) === "ping")
				socket.send(encodePong({ ...decodePing(message), answerTime: this.now() }));
			else if (messageType(message) === "ack") this.acks.push(decodeAck(message));
		} catch (cause) {
			this.errors.push(String(cause));
		}
	}

	#hearText(socket: ServerWebSocket<Page>, text: string): void {
		const message = parseViewerMessage(parseJson(text));
		if (message.type === "key") return void this.keys.push(message.camera);
		if (message.type === "watch") {
			socket.data.watch = message.cameras;
			socket.data.lists++;
			const { mode, codecs, rememberedBps, cameras } = message;
			this.watches.push({ mode, codecs, rememberedBps, cameras });
			return;
		}
		this.hellos++;
		if (this.protocol !== message.protocol)
			return socket.close(
				4406,
				`protocol ${message.protocol} against ${this.protocol}: the page needs an update`,
			);
		if (!this.isHesitating) this.#welcome(socket);
	}

	#welcome(socket: ServerWebSocket<Page>): void {
		socket.data.isWelcome = true;
		socket.send(JSON.stringify({ type: "welcome", protocol: this.protocol, software: "fake relay" }));
		this.#tellCameras(socket);
	}

	#tellCameras(socket: ServerWebSocket<Page>): void {
		socket.send(JSON.stringify({ type: "cameras", cameras: this.cameras }));
	}
}

export interface SentPicture {
	body: Uint8Array<ArrayBuffer>;
	width: number;
	height: number;
	/** Overrides of the header. */
	header?: Partial<FrameHeader>;
}

/** A camera as the relay tells it: 720p30 and live unless said otherwise. */
export function cameraStatus(id: string, channel: number, more: Partial<CameraStatus> = {}): CameraStatus {
	const source = { width: 1280, height: 720, framesPerSecond: 30 };
	return {
		id,
		name: id[0]!.toUpperCase() + id.slice(1).replaceAll("-", " "),
		channel,
		state: "live",
		reason: null,
		detail: null,
		since: localNow() - 60_000,
		source,
		renditions: renditionsFor(source),
		...more,
	};
}

/** A camera as a page asks for it: left to the relay unless said otherwise. */
export function watchedCamera(id: string, more: Partial<WatchedCamera> = {}): WatchedCamera {
	return {
		id,
		rendition: null,
		maxLines: null,
		maxFramesPerSecond: null,
		isFocused: false,
		codecs: null,
		...more,
	};
}
