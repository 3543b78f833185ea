import { localNow } from "#shared/clock.ts";
import type { Rendition } from "#shared/ladder.ts";
import type { CameraStatus, WatchedCamera } from "#shared/protocol.ts";
import type { Choices, Frame } from "./connection.ts";
import { narrowed } from "./decode-load.ts";
import { Downlink, type Link, type Wish } from "./downlink.ts";
import { codecsOf, findObstacle, type Obstacle } from "./h264-support.ts";
import type { Canvas } from "./painter.ts";
import { type CameraStats, Screen } from "./screen.ts";
import { History } from "./studio/history.ts";
import type { Studio, StudioReport, StudioRequest, StudioTools } from "./studio/studio.ts";
import { Taps } from "./studio/taps.ts";

const REPORT_MS = 250;

/** What the page shows; what it decodes is the engine's to add. */
export type ShownCamera = Omit<WatchedCamera, "codecs">;
export type Shown = Pick<Wish, "mode"> & { cameras: ShownCamera[] };

/** What the page asks of the engine. */
export type Command =
	| { is: "start"; url: string }
	/** The full set of what the relay is asked for. */
	| { is: "watch"; watch: Shown }
	/** What this network carried before, bits per second. */
	| { is: "remember"; rateBps: number | null }
	| { is: "show"; camera: string; canvas: Canvas }
	| { is: "hide"; camera: string }
	/** The machine may have slept. */
	| { is: "wake" }
	/** The network is another one. */
	| { is: "roam" }
	| { is: "studio"; request: StudioRequest };

/** What the engine tells the page. All instants are in the engine's clock unless said otherwise. */
export type Report =
	| { is: "link"; link: Link }
	| { is: "cameras"; cameras: CameraStatus[] }
	| { is: "choice"; now: number; choice: Choices }
	| { is: "studio"; report: StudioReport }
	/** Whether the page shows H.264, or one camera where that alone does not; null: it does. */
	| { is: "h264"; camera: string | null; obstacle: Obstacle | null }
	| { is: "stats"; now: number; clock: ClockReading | null; stats: Record<string, CameraStats> };

/** Relay clock minus the engine's, and the round trip it was read over, ms. */
export interface ClockReading {
	offsetMs: number;
	roundTripTime: number;
}

export type Reporter = (report: Report) => void;
export type LoadStudio = (tools: StudioTools) => Promise<Studio>;

/** Everything between the relay and the canvases. Runs in a Worker, or on the page where canvases cannot move. */
export class Engine {
	readonly #report: Reporter;
	readonly #signal: AbortSignal;
	readonly #downlink: Downlink;
	readonly #screens = new Map<string, Screen>();
	readonly #ids = new Map<number, string>(); // channel -> camera
	readonly #loadStudio: LoadStudio | null;
	readonly #history = new History();
	readonly #taps = new Taps();
	#studio: Promise<Studio> | null = null;
	#live = new Set<string>();
	#renditions = new Map<string, readonly Rendition[]>(); // of each camera
	#wish: Shown | null = null; // nothing was said yet
	#obstacle: Obstacle | null | "unknown" = "unknown";
	readonly #obstacles = new Map<string, Obstacle>(); // of single cameras

	/** `signal` ends what `start` began. Without a studio nothing is remembered. */
	constructor(report: Reporter, signal: AbortSignal, loadStudio: LoadStudio | null) {
		this.#report = report;
		this.#signal = signal;
		this.#loadStudio = loadStudio;
		this.#downlink = new Downlink({
			link: (link) => this.#link(link),
			cameras: (cameras) => this.#cameras(cameras),
			choice: (choice) => this.#report({ is: "choice", now: localNow(), choice }),
			frame: (frame) => this.#frame(frame),
		});
	}

	handle(command: Command): void {
		switch (command.is) {
			case "start":
				return this.#start(command.url);
			case "watch":
				return this.#watch(command.watch);
			case "remember":
				return this.#downlink.remember(command.rateBps);
			case "show":
				return this.#show(command.camera, command.canvas);
			case "hide":
				return this.#hide(command.camera);
			case "wake":
				return this.#downlink.wake();
			case "roam":
				return this.#downlink.roam();
			case "studio":
				void this.#toStudio(command.request);
		}
	}

	#start(url: string): void {
		const timer = setInterval(() => this.#tell(), REPORT_MS);
		this.#signal.addEventListener("abort", () => {
			clearInterval(timer);
			for (const camera of [...this.#screens.keys()]) this.#hide(camera);
		});
		void this.#downlink.run(url, this.#signal);
		void findObstacle(this.#signal).then((obstacle) => this.#found(obstacle));
	}

	#watch(wish: Shown): void {
		this.#wish = wish;
		for (const [id, screen] of this.#screens) screen.wish = this.#wishOf(id);
		this.#ask();
	}

	#wishOf(camera: string): ShownCamera | undefined {
		return this.#wish?.cameras.find(({ id }) => id === camera);
	}

	/** Asks for what the page wishes, no more than the browser manages; not before that is known. */
	#ask(): void {
		if (!this.#wish || this.#obstacle === "unknown") return;
		const codecs = codecsOf(this.#obstacle);
		const cameras = this.#wish.cameras.map((shown) => {
			const caps = this.#screens.get(shown.id)?.caps;
			const obstacle = this.#obstacles.get(shown.id);
			const own = obstacle ? codecsOf(obstacle) : null;
			const pinned = this.#renditions.get(shown.id)?.find(({ id }) => id === shown.rendition);
			const rendition = pinned && !(own ?? codecs).includes(pinned.codec) ? null : shown.rendition;
			const camera = { ...shown, rendition, codecs: own };
			return caps ? narrowed(camera, caps) : camera;
		});
		this.#downlink.watch({ mode: this.#wish.mode, codecs, cameras });
	}

	/** From now on the page shows H.264 or does not. */
	#found(obstacle: Obstacle | null): void {
		if (this.#obstacle !== "unknown" && this.#obstacle !== null) return; // the first one is the reason
		this.#obstacle = obstacle;
		this.#report({ is: "h264", camera: null, obstacle });
		this.#ask();
	}

	/** One camera's stream may be bad; of a second one, or of the only one there is, the browser is thought to be. */
	#gaveUp(camera: string, obstacle: Obstacle): void {
		this.#obstacles.set(camera, obstacle);
		if (this.#obstacles.size > 1 || this.#renditions.size === 1) return this.#found(obstacle);
		this.#report({ is: "h264", camera, obstacle });
		this.#ask();
	}

	#show(camera: string, canvas: Canvas): void {
		this.#hide(camera);
		const screen = new Screen(canvas, () => this.#downlink.clock, {
			keyNeeded: () => this.#downlink.askKey(camera),
			gaveUp: (obstacle) => this.#gaveUp(camera, obstacle),
		});
		screen.tap = (picture) => this.#taps.see(camera, picture);
		screen.wish = this.#wishOf(camera);
		this.#screens.set(camera, screen);
	}

	#hide(camera: string): void {
		this.#screens.get(camera)?.close();
		this.#screens.delete(camera);
	}

	#link(link: Link): void {
		if (link.is === "live") for (const screen of this.#screens.values()) screen.reconnected();
		this.#report({ is: "link", link });
		this.#tell();
	}

	#cameras(cameras: CameraStatus[]): void {
		this.#ids.clear();
		this.#renditions.clear();
		const live = new Set<string>();
		for (const { id, channel, state, renditions } of cameras) {
			this.#ids.set(channel, id);
			this.#renditions.set(id, renditions);
			if (state === "live") live.add(id);
			if (state === "live" && !this.#live.has(id)) this.#screens.get(id)?.restart();
		}
		this.#history.keepOnly(new Set(this.#ids.values()));
		this.#live = live;
		this.#report({ is: "cameras", cameras });
	}

	#frame(frame: Frame): void {
		const id = this.#ids.get(frame.header.channel);
		if (id === undefined) return;
		if (this.#loadStudio) this.#history.add(id, frame);
		this.#screens.get(id)?.offer(frame);
	}

	/** Requests are handled in their order. Code that did not load once a Worker never asks for again: only a reload does. */
	async #toStudio(request: StudioRequest): Promise<void> {
		const report = (report: StudioReport) => this.#report({ is: "studio", report });
		this.#studio ??= this.#loadStudio?.({ history: this.#history, taps: this.#taps, report }) ?? null;
		try {
			(await this.#studio)?.handle(request);
		} catch {
			this.#studio = null;
			report({ is: "missing" });
		}
	}

	#tell(): void {
		const now = localNow();
		const clock = this.#downlink.clock;
		const stats: Record<string, CameraStats> = {};
		let isOther = false;
		for (const [id, screen] of this.#screens) {
			if (screen.adapt(now, this.#renditions.get(id) ?? [])) isOther = true;
			stats[id] = screen.stats(now);
		}
		if (isOther) this.#ask();
		const roundTripTime = clock?.roundTripTime ?? null;
		const reading = clock && roundTripTime !== null ? { offsetMs: clock.offsetMs, roundTripTime } : null;
		this.#report({ is: "stats", now, clock: reading, stats });
	}
}
