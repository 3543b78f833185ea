import { mkdtemp, rename, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeClip } from "./clip.ts";
import { MjpegServer } from "./mjpeg-server.ts";
import { RtspServer } from "./rtsp-server.ts";
import { SlowLink } from "./slow-link.ts";

/** One source of pictures and what befalls it. */
export interface Patient {
	/** The camera's id. */
	id: string;
	/** For CAMERA. */
	source: string;
	/** What happens to it, for people. */
	ailment: string;
	/** True when it heals by being opened again: nobody repairs it. */
	isHung: boolean;
	fall(): Promise<void> | void;
	rise(): Promise<void> | void;
}

const SIZE = { width: 320, height: 180, framesPerSecond: 10 };

/** Real sources, each with a fault of its own, in turn over `kinds`; `await using` ends them all. */
export class Ward implements AsyncDisposable {
	readonly patients: Patient[] = [];
	readonly #owned: AsyncDisposable[] = [];
	readonly #folder: string;

	private constructor(folder: string) {
		this.#folder = folder;
	}

	/** `count` of each ailment. */
	static async open(count: number): Promise<Ward> {
		const ward = new Ward(await mkdtemp(join(tmpdir(), "sightline-ward-")));
		for (let i = 1; i <= count; i++) {
			await ward.#silent(`silent-${i}`);
			await ward.#unplugged(`unplugged-${i}`);
			await ward.#hung(`hung-${i}`);
			await ward.#frozen(`frozen-${i}`);
			await ward.#killed(`killed-${i}`);
			await ward.#truncated(`truncated-${i}`);
		}
		return ward;
	}

	/** A file for the agent's CAMERAS_FILE with all of them. */
	async camerasFile(): Promise<string> {
		const path = join(this.#folder, "cameras.toml");
		const tables = this.patients.map(({ id, source }) => `[[camera]]\nid = "${id}"\nsource = "${source}"\n`);
		await Bun.write(path, tables.join("\n"));
		return path;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const owned of this.#owned) await owned[Symbol.asyncDispose]();
		await rm(this.#folder, { recursive: true });
	}

	#own<T extends AsyncDisposable>(owned: T): T {
		this.#owned.push(owned);
		return owned;
	}

	async #silent(id: string): Promise<void> {
		const server = this.#own(new MjpegServer(SIZE));
		this.patients.push({
			id,
			source: server.url,
			ailment: "HTTP camera keeps the connection and sends nothing",
			isHung: false,
			fall: () => {
				server.silent = true;
			},
			rise: () => {
				server.silent = false;
			},
		});
	}

	async #unplugged(id: string): Promise<void> {
		const server = this.#own(new MjpegServer(SIZE));
		this.patients.push({
			id,
			source: server.url,
			ailment: "HTTP camera resets and refuses",
			isHung: false,
			fall: () => server.stop(),
			rise: () => server.start(),
		});
	}

	async #hung(id: string): Promise<void> {
		const server = this.#own(new MjpegServer(SIZE));
		const link = this.#own(new SlowLink({ targetPort: server.port }));
		this.patients.push({
			id,
			source: server.url.replace(`:${server.port}`, `:${link.port}`),
			ailment: "the way to an HTTP camera is cut without a word, a new connection passes",
			isHung: true,
			fall: () => link.vanish(),
			rise: () => {},
		});
	}

	async #frozen(id: string): Promise<void> {
		const server = this.#own(await RtspServer.start(SIZE));
		this.patients.push({
			id,
			source: server.url,
			ailment: "RTSP camera stopped (SIGSTOP)",
			isHung: false,
			fall: () => server.freeze(),
			rise: () => server.thaw(),
		});
	}

	async #killed(id: string): Promise<void> {
		const server = this.#own(await RtspServer.start(SIZE));
		this.patients.push({
			id,
			source: server.url,
			ailment: "RTSP camera killed (SIGKILL)",
			isHung: false,
			fall: () => server.kill(),
			rise: () => server.restart(),
		});
	}

	async #truncated(id: string): Promise<void> {
		const path = join(this.#folder, `${id}.avi`);
		const spare = join(this.#folder, `spare-${id}.avi`);
		// Larger than FFmpeg's buffer, or it would play on from memory.
		const clip = { ...SIZE, seconds: 15, codec: "mjpeg" } as const;
		await makeClip(path, clip);
		await makeClip(spare, clip);
		const bytes = await Bun.file(spare).bytes();
		this.patients.push({
			id,
			source: path,
			ailment: "video file cut to nothing",
			isHung: false,
			fall: () => truncate(path, 0),
			rise: async () => {
				await Bun.write(spare, bytes);
				await rename(spare, path);
			},
		});
	}
}
