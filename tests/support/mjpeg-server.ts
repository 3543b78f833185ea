import type { Socket, TCPSocketListener } from "bun";
import sharp from "sharp";
import { drawPixelClock } from "#shared/pixel-clock.ts";
import { Outlet } from "./outlet.ts";
import { stablePort } from "./ports.ts";

/** What the camera shows and how it serves it. */
export interface MjpegOptions {
	/** 640 unless told. */
	width?: number;
	/** 360 unless told. */
	height?: number;
	/** 25 unless told. */
	framesPerSecond?: number;
	/** What the pixel clock in the picture says: the time (Date.now, the default) or the picture's number. */
	mark?: "time" | "number";
	/** With a Content-Length in each part (the default), or with nothing but the boundary. */
	framing?: "length" | "boundary";
	/** Asks for HTTP Basic authentication. */
	credentials?: { name: string; password: string };
}

const BOUNDARY = "picture";

interface Viewer {
	outlet: Outlet;
	request: string;
	accepted: boolean;
}

/** A network camera that serves MJPEG over HTTP, with every fault such a camera has; draws only while watched. */
export class MjpegServer implements AsyncDisposable {
	readonly port = stablePort();
	/** For CAMERA; without credentials. */
	readonly url = `http://127.0.0.1:${this.port}/stream.mjpg`;
	/** Size of the pictures from the next one on. */
	size: { width: number; height: number };
	/** Keeps connections open and sends nothing. */
	silent = false;
	/** Pictures drawn so far. */
	pictures = 0;
	readonly #options: MjpegOptions;
	readonly #viewers = new Set<Socket<Viewer>>();
	#listener: TCPSocketListener<Viewer> | null = null;
	#timer: Timer | undefined;
	#nextTime = 0;

	/** Listens at once, on a free port of 127.0.0.1. */
	constructor(options: MjpegOptions = {}) {
		const { width = 640, height = 360 } = options;
		this.#options = options;
		this.size = { width, height };
		this.start();
	}

	/** Connections that are being served. */
	get watching(): number {
		return [...this.#viewers].filter((socket) => socket.data.accepted).length;
	}

	/** Comes back on the same port. */
	start(): void {
		this.#listener ??= Bun.listen<Viewer>({
			hostname: "127.0.0.1",
			port: this.port,
			socket: {
				open: (socket) => {
					socket.data = { outlet: new Outlet(socket), request: "", accepted: false };
					this.#viewers.add(socket);
				},
				data: (socket, bytes) => this.#read(socket, bytes),
				drain: (socket) => socket.data.outlet.drained(),
				close: (socket) => void this.#viewers.delete(socket),
				error: () => {},
			},
		});
		this.#nextTime = performance.now();
		this.#schedule();
	}

	/** As if the plug were pulled: connections are reset, new ones refused. */
	stop(): void {
		clearTimeout(this.#timer);
		for (const socket of this.#viewers) socket.terminate(); // before the listener, which would say goodbye with FIN
		this.#viewers.clear();
		this.#listener?.stop(true);
		this.#listener = null;
	}

	/** Sends bytes of your own in place of a picture, properly framed: a JPEG that lies, half of one, text. */
	sendPart(body: Uint8Array): void {
		const length = this.#options.framing === "boundary" ? "" : `Content-Length: ${body.byteLength}\r\n`;
		const head = `--${BOUNDARY}\r\nContent-Type: image/jpeg\r\n${length}\r\n`;
		this.sendRaw(Buffer.concat([Buffer.from(head), body, Buffer.from("\r\n")]));
	}

	/** Sends bytes of your own with no frame around them. */
	sendRaw(bytes: Uint8Array): void {
		for (const { data: viewer } of this.#viewers) if (viewer.accepted) viewer.outlet.send(bytes);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		this.stop();
	}

	#read(socket: Socket<Viewer>, bytes: Uint8Array): void {
		const viewer = socket.data;
		if (viewer.accepted) return;
		viewer.request += Buffer.from(bytes).toString("latin1");
		if (!viewer.request.includes("\r\n\r\n")) return;
		const refusal = this.#refusal(viewer.request);
		if (refusal)
			return void socket.end(`HTTP/1.1 ${refusal}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`);
		const type = `multipart/x-mixed-replace; boundary=${BOUNDARY}`;
		viewer.outlet.send(Buffer.from(`HTTP/1.1 200 OK\r\nContent-Type: ${type}\r\nConnection: close\r\n\r\n`));
		viewer.accepted = true;
	}

	#refusal(request: string): string | null {
		if (!request.startsWith("GET /stream.mjpg ")) return "404 Not Found";
		const { credentials } = this.#options;
		if (!credentials) return null;
		const expected = Buffer.from(`${credentials.name}:${credentials.password}`).toString("base64");
		const given = /^authorization: basic (\S+)/im.exec(request)?.[1];
		return given === expected ? null : '401 Unauthorized\r\nWWW-Authenticate: Basic realm="camera"';
	}

	#schedule(): void {
		const { framesPerSecond = 25 } = this.#options;
		const now = performance.now();
		this.#nextTime = Math.max(this.#nextTime + 1000 / framesPerSecond, now); // behind: no catching up
		this.#timer = setTimeout(() => this.#tick(), this.#nextTime - now);
	}

	async #tick(): Promise<void> {
		const listener = this.#listener;
		if (!this.silent && this.watching > 0) {
			const jpeg = await this.#picture();
			if (!this.silent) this.sendPart(jpeg);
		}
		if (listener && listener === this.#listener) this.#schedule();
	}

	async #picture(): Promise<Buffer> {
		this.pictures += 1;
		const { width, height } = this.size;
		const pixels = new Uint8Array(width * height * 3).fill(60 + ((this.pictures * 4) % 128));
		const time = this.#options.mark === "number" ? this.pictures : Date.now();
		drawPixelClock(pixels, { width, height, channels: 3 }, time);
		return await sharp(pixels, { raw: { width, height, channels: 3 } })
			.jpeg({ quality: 80 })
			.toBuffer();
	}
}
