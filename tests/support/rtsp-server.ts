import { join } from "node:path";
import { stablePort } from "./ports.ts";
import { listening, Running } from "./processes.ts";
import type { RtspCameraOptions } from "./rtsp-camera.ts";

/** 640 by 360 at 25 pictures a second, without credentials, unless told. */
export type RtspOptions = Partial<Omit<RtspCameraOptions, "port">>;

/** An RTSP camera in a process of its own, H.264 with a pixel clock (Date.now); `await using` ends it. */
export class RtspServer implements AsyncDisposable {
	/** For CAMERA; without credentials. */
	readonly url: string;
	readonly #options: RtspCameraOptions;
	#process: Running | null = null;

	private constructor(options: RtspOptions) {
		const port = stablePort();
		this.url = `rtsp://127.0.0.1:${port}/live`;
		this.#options = { width: 640, height: 360, framesPerSecond: 25, ...options, port };
	}

	/** Resolves when it listens, on a free port of 127.0.0.1. */
	static async start(options: RtspOptions = {}): Promise<RtspServer> {
		const server = new RtspServer(options);
		await server.restart();
		return server;
	}

	/** Power cut: connections are reset, new ones refused. */
	async kill(): Promise<void> {
		this.#process?.kill("SIGKILL");
		await this.#process?.exited;
		this.#process = null;
	}

	/** Comes back on the same port, after `kill` or in its place. */
	async restart(): Promise<void> {
		await this.kill();
		const command = ["bun", join(import.meta.dir, "rtsp-camera.ts"), JSON.stringify(this.#options)];
		this.#process = await listening(new Running({ name: "RTSP camera", command }));
	}

	/** Hangs: connections stay open, new ones are accepted, and nothing is ever sent. */
	freeze(): void {
		this.#process?.kill("SIGSTOP");
	}

	/** Ends a freeze. */
	thaw(): void {
		this.#process?.kill("SIGCONT");
	}

	/** The next picture has another size, in the same stream; even numbers. */
	async resize(width: number, height: number): Promise<void> {
		const credentials = this.#options.credentials;
		const login = credentials
			? `Authorization: Basic ${btoa(`${credentials.name}:${credentials.password}`)}\r\n`
			: "";
		const request = `SET_PARAMETER ${this.url} RTSP/1.0\r\nCSeq: 1\r\n${login}Size: ${width}x${height}\r\n\r\n`;
		const { promise, resolve, reject } = Promise.withResolvers<void>();
		const socket = await Bun.connect({
			hostname: "127.0.0.1",
			port: this.#options.port,
			socket: {
				open: (opened) => void opened.write(request),
				data: (_, answer) =>
					answer.toString().includes(" 200 ") ? resolve() : reject(new Error(answer.toString())),
				close: () => reject(new Error("the camera closed the connection")),
			},
		});
		await promise;
		socket.end();
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#process?.[Symbol.asyncDispose]();
	}
}
