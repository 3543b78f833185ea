import type { Socket } from "bun";
import { H264Pictures, type PictureFormat } from "./h264-pictures.ts";
import { Outlet } from "./outlet.ts";
import { nalType, nalUnits, RtpH264 } from "./rtp-h264.ts";

/** What `rtsp-server.ts` starts this program with, as JSON in its first argument. */
export interface RtspCameraOptions extends PictureFormat {
	port: number;
	credentials?: { name: string; password: string };
}

interface Client {
	outlet: Outlet;
	rtp: RtpH264;
	received: string;
	channel: number;
	is: "asking" | "joining" | "playing";
}

interface Request {
	method: string;
	url: string;
	header(name: string): string | undefined;
}

interface Response {
	status: string;
	headers?: string[];
	body?: string;
}

const PATH = "/live";
const KEY_PICTURE = 5;
const PARAMETER_SETS = [7, 8];
const OK = "200 OK";
const METHODS = "OPTIONS, DESCRIBE, SETUP, PLAY, GET_PARAMETER, SET_PARAMETER, TEARDOWN";

/** The camera side of RTSP 1.0 (RFC 2326), with RTP in the same TCP connection only; draws only while played. */
class RtspCamera {
	readonly #options: RtspCameraOptions;
	readonly #clients = new Set<Socket<Client>>();
	#pictures: H264Pictures;
	#resizeTo: PictureFormat | null = null;
	/** As in sprop-parameter-sets, RFC 6184 8.1. */
	#parameterSets = "";

	private constructor(options: RtspCameraOptions, pictures: H264Pictures) {
		this.#options = options;
		this.#pictures = pictures;
	}

	static async open(options: RtspCameraOptions): Promise<RtspCamera> {
		const camera = new RtspCamera(options, await H264Pictures.open(options));
		await camera.#draw("key");
		return camera;
	}

	listen(): void {
		const { port } = this.#options;
		Bun.listen<Client>({
			hostname: "127.0.0.1",
			port,
			socket: {
				open: (socket) => {
					const outlet = new Outlet(socket);
					socket.data = { outlet, rtp: new RtpH264(), received: "", channel: 0, is: "asking" };
					this.#clients.add(socket);
				},
				data: (socket, bytes) => this.#read(socket, bytes),
				drain: (socket) => socket.data.outlet.drained(),
				close: (socket) => void this.#clients.delete(socket),
				error: () => {},
			},
		});
		console.log(`listening on rtsp://127.0.0.1:${port}${PATH}`);
	}

	/** Draws and sends one picture after the other at the camera's pace, for ever. */
	async run(): Promise<never> {
		let nextTime = performance.now();
		for (;;) {
			nextTime = Math.max(nextTime + 1000 / this.#options.framesPerSecond, performance.now());
			await Bun.sleep(nextTime - performance.now());
			const clients = [...this.#clients].map(({ data }) => data).filter(({ is }) => is !== "asking");
			if (clients.length === 0) continue;
			const time = Date.now();
			const units = await this.#draw(clients.some(({ is }) => is === "joining") ? "key" : "any");
			const isKey = units.some((unit) => nalType(unit) === KEY_PICTURE);
			for (const client of clients) {
				if (client.is === "joining" && !isKey) continue;
				const packets = client.rtp.packets(units, time, client.channel);
				client.is = client.outlet.send(packets) ? "playing" : "joining"; // a gap: start over with a key picture
			}
		}
	}

	async #draw(kind: "key" | "any"): Promise<Buffer[]> {
		if (this.#resizeTo) {
			this.#pictures[Symbol.dispose]();
			this.#pictures = await H264Pictures.open(this.#resizeTo);
			this.#resizeTo = null;
		}
		const units = nalUnits(await this.#pictures.next(Date.now(), kind));
		const sets = units.filter((unit) => PARAMETER_SETS.includes(nalType(unit)));
		if (sets.length > 0) this.#parameterSets = sets.map((unit) => unit.toString("base64")).join(",");
		return units;
	}

	#read(socket: Socket<Client>, bytes: Uint8Array): void {
		const client = socket.data;
		client.received += Buffer.from(bytes).toString("latin1");
		for (;;) {
			if (client.received.startsWith("$")) {
				// Receiver reports come back between the requests.
				const length = client.received.charCodeAt(2) * 256 + client.received.charCodeAt(3) + 4;
				if (!(client.received.length >= length)) return;
				client.received = client.received.slice(length);
				continue;
			}
			const end = client.received.indexOf("\r\n\r\n");
			if (end < 0) return;
			const head = client.received.slice(0, end);
			client.received = client.received.slice(end + 4);
			this.#answer(socket, head);
		}
	}

	#answer(socket: Socket<Client>, head: string): void {
		const [method = "", url = ""] = head.split(" ");
		const header = (name: string) => new RegExp(`^${name}: *(.*?)\\r?$`, "im").exec(head)?.[1];
		const { status, headers = [], body = "" } = this.#respond(socket.data, { method, url, header });
		const length = body ? [`Content-Length: ${body.length}`] : [];
		const lines = [`RTSP/1.0 ${status}`, `CSeq: ${header("CSeq")}`, ...headers, ...length, "", body];
		socket.write(lines.join("\r\n"));
		if (method === "TEARDOWN") socket.end();
	}

	#respond(client: Client, { method, url, header }: Request): Response {
		if (method === "OPTIONS") return { status: OK, headers: [`Public: ${METHODS}`] };
		if (!this.#allows(header("Authorization"))) {
			return { status: "401 Unauthorized", headers: ['WWW-Authenticate: Basic realm="camera"'] };
		}
		if (!new URL(url).pathname.startsWith(PATH)) return { status: "404 Stream Not Found" };
		switch (method) {
			case "DESCRIBE":
				return { status: OK, headers: ["Content-Type: application/sdp"], body: this.#description() };
			case "SETUP": {
				const transport = header("Transport") ?? "";
				const channel = /RTP\/AVP\/TCP.*interleaved=(\d+)/i.exec(transport)?.[1];
				if (channel === undefined) return { status: "461 Unsupported Transport" };
				client.channel = Number(channel);
				return { status: OK, headers: [`Transport: ${transport}`, "Session: 1;timeout=60"] };
			}
			case "PLAY":
				client.is = "joining";
				return { status: OK, headers: ["Session: 1", "Range: npt=now-"] };
			case "SET_PARAMETER":
				this.#resize(header("Size") ?? "");
				return { status: OK };
			case "GET_PARAMETER":
			case "TEARDOWN":
				return { status: OK, headers: ["Session: 1"] };
			default:
				return { status: "501 Not Implemented" };
		}
	}

	#allows(authorization: string | undefined): boolean {
		const { credentials } = this.#options;
		if (!credentials) return true;
		return authorization === `Basic ${btoa(`${credentials.name}:${credentials.password}`)}`;
	}

	#description(): string {
		return [
			"v=0",
			"o=- 0 0 IN IP4 127.0.0.1",
			"s=camera",
			"c=IN IP4 0.0.0.0",
			"t=0 0",
			"a=control:*",
			"m=video 0 RTP/AVP 96",
			"a=rtpmap:96 H264/90000",
			`a=fmtp:96 packetization-mode=1;sprop-parameter-sets=${this.#parameterSets}`,
			`a=framerate:${this.#options.framesPerSecond}`,
			"a=control:video",
			"",
		].join("\r\n");
	}

	/** As when somebody changes the camera's settings: the next picture has another size. */
	#resize(size: string): void {
		const [width = 0, height = 0] = size.split("x").map(Number);
		this.#resizeTo = { ...this.#options, width, height };
	}
}

if (import.meta.main) {
	const camera = await RtspCamera.open(JSON.parse(process.argv[2] ?? "{}"));
	camera.listen();
	await camera.run();
}
