import { localNow } from "#shared/clock.ts";
import type { CameraStatus, Watch } from "#shared/protocol.ts";
import type { Frame } from "./connection.ts";
import { Downlink, type Link } from "./downlink.ts";
import type { Canvas } from "./painter.ts";
import { type CameraStats, Screen } from "./screen.ts";

const REPORT_MS = 250;

/** What the page asks of the engine. */
export type Command =
	| { is: "start"; url: string }
	/** The full set of what the relay is asked for. */
	| { is: "watch"; cameras: Watch[] }
	| { is: "show"; camera: string; canvas: Canvas }
	| { is: "hide"; camera: string }
	| { is: "wake" };

/** What the engine tells the page. All instants are in the engine's clock unless said otherwise. */
export type Report =
	| { is: "link"; link: Link }
	| { is: "cameras"; cameras: CameraStatus[] }
	| { is: "stats"; now: number; clock: ClockReading | null; stats: Record<string, CameraStats> };

/** Relay clock minus the engine's, and the round trip it was read over, ms. */
export interface ClockReading {
	offsetMs: number;
	roundTripTime: number;
}

/** Everything between the relay and the canvases. Runs in a Worker, or on the page where canvases cannot move. */
export class Engine {
	readonly #report: (report: Report) => void;
	readonly #signal: AbortSignal;
	readonly #downlink: Downlink;
	readonly #screens = new Map<string, Screen>();
	readonly #ids = new Map<number, string>(); // channel -> camera
	#live = new Set<string>();
	#watched = new Set<string>();

	/** `signal` ends what `start` began. */
	constructor(report: (report: Report) => void, signal: AbortSignal) {
		this.#report = report;
		this.#signal = signal;
		this.#downlink = new Downlink({
			link: (link) => this.#link(link),
			cameras: (cameras) => this.#cameras(cameras),
			frame: (frame) => this.#frame(frame),
		});
	}

	handle(command: Command): void {
		switch (command.is) {
			case "start":
				return this.#start(command.url);
			case "watch":
				return this.#watch(command.cameras);
			case "show":
				return this.#show(command.camera, command.canvas);
			case "hide":
				return this.#hide(command.camera);
			case "wake":
				return this.#downlink.wake();
		}
	}

	#start(url: string): void {
		const timer = setInterval(() => this.#tell(), REPORT_MS);
		this.#signal.addEventListener("abort", () => {
			clearInterval(timer);
			for (const camera of [...this.#screens.keys()]) this.#hide(camera);
		});
		void this.#downlink.run(url, this.#signal);
	}

	#watch(cameras: Watch[]): void {
		this.#watched = new Set(cameras.map(({ id }) => id));
		for (const [id, screen] of this.#screens) screen.isWatched = this.#watched.has(id);
		this.#downlink.watch(cameras);
	}

	#show(camera: string, canvas: Canvas): void {
		this.#hide(camera);
		const screen = new Screen(canvas, () => this.#downlink.clock);
		screen.isWatched = this.#watched.has(camera);
		this.#screens.set(camera, screen);
	}

	#hide(camera: string): void {
		this.#screens.get(camera)?.close();
		this.#screens.delete(camera);
	}

	#link(link: Link): void {
		if (link.is === "live") for (const screen of this.#screens.values()) screen.restart();
		this.#report({ is: "link", link });
		this.#tell();
	}

	#cameras(cameras: CameraStatus[]): void {
		this.#ids.clear();
		const live = new Set<string>();
		for (const { id, channel, state } of cameras) {
			this.#ids.set(channel, id);
			if (state === "live") live.add(id);
			if (state === "live" && !this.#live.has(id)) this.#screens.get(id)?.restart();
		}
		this.#live = live;
		this.#report({ is: "cameras", cameras });
	}

	#frame(frame: Frame): void {
		const id = this.#ids.get(frame.header.channel);
		if (id !== undefined) this.#screens.get(id)?.offer(frame);
	}

	#tell(): void {
		const now = localNow();
		const clock = this.#downlink.clock;
		const stats: Record<string, CameraStats> = {};
		for (const [id, screen] of this.#screens) stats[id] = screen.stats(now);
		const roundTripTime = clock?.roundTripTime ?? null;
		const reading = clock && roundTripTime !== null ? { offsetMs: clock.offsetMs, roundTripTime } : null;
		this.#report({ is: "stats", now, clock: reading, stats });
	}
}
