import { tick } from "svelte";
import type { Attachment } from "svelte/attachments";
import { CLOSE } from "#shared/close.ts";
import type { Rendition, Size } from "#shared/ladder.ts";
import type { CameraStatus, Limit, Mode } from "#shared/protocol.ts";
import type { Choices } from "./connection.ts";
import type { Link } from "./downlink.ts";
import type { ClockReading, Report } from "./engine.ts";
import { type EngineHost, startEngine } from "./engine-host.ts";
import { codecsOf, type Obstacle } from "./h264-support.ts";
import { readMode, readPin, readRate, writeMode, writePin, writeRate } from "./memory.ts";
import { followNetwork, networkName } from "./network.ts";
import { linesFor, steadyLines } from "./picture-lines.ts";
import { reloadOnce, settleReload } from "./reload.ts";
import { cameraOf, hrefOf, watchUrl } from "./route.ts";
import type { CameraStats } from "./screen.ts";
import { follow, limitOf, type Standing } from "./standing.ts";
import { type TileState, tileState } from "./tile-state.ts";
import { Tiles } from "./tiles.ts";
import { watchSet } from "./watch-set.ts";

const REMEMBER_MS = 5_000;
const USUAL_SIZE: Size = { width: 16, height: 9 }; // of a camera that has told none

/** What the page knows and wants: the components only draw it. Frames never come here, only snapshots at 4 Hz. */
export class Player {
	link = $state.raw<Link>({ is: "connecting", since: Date.now(), attempt: 1 });
	/** Every camera of the relay; null before it told. */
	cameras = $state.raw<CameraStatus[] | null>(null);
	stats = $state.raw<Record<string, CameraStats>>({});
	/** What the relay sends of the cameras watched. */
	standings = $state.raw<Record<string, Standing>>({});
	/** What the connection carries, bits per second; null before that is known. */
	rateBps = $state.raw<number | null>(null);
	/** Engine clock at the last snapshot. */
	now = $state.raw(Date.now());
	clock = $state.raw<ClockReading | null>(null);
	/** Renditions chosen by hand; a missing one was not looked up yet. */
	pins = $state.raw<Record<string, number | null>>({});
	mode = $state.raw<Mode>(readMode());
	/** Why the page shows no H.264; null: it does, or that is not known yet. */
	obstacle = $state.raw<Obstacle | null>(null);
	/** `worker`, or `page` where canvases cannot move to one. */
	path = $state.raw<"worker" | "page" | null>(null);
	#requested = $state.raw<string | null>(null);

	/** The camera that fills the page: the one asked for, or the only one there is; null: the grid. */
	open = $derived(this.#requested ?? (this.cameras?.length === 1 ? this.cameras[0]!.id : null));

	readonly tiles = new Tiles(() => this.#ask());
	#engine: EngineHost | null = null;
	readonly #lines = new Map<string, number>(); // as last said
	#asked = "";
	#rememberTime = Number.NEGATIVE_INFINITY;

	/** Starts the engine and follows the page; the attachment of the page's root. */
	readonly run: Attachment = () => {
		const over = new AbortController();
		const { signal } = over;
		this.#requested = cameraOf(location.href);
		this.tiles.run(signal);
		this.#engine = startEngine((report) => this.#take(report), signal);
		this.path = this.#engine.path;
		this.#engine.send({ is: "remember", rateBps: readRate(networkName()) });
		this.#engine.send({ is: "start", url: watchUrl(location.href) });
		this.#follow(signal);
		return () => over.abort();
	};

	/** Shows a camera on a canvas for as long as that is on the page. */
	canvas(camera: string): Attachment<HTMLCanvasElement> {
		return (canvas) => {
			this.#engine?.show(camera, canvas);
			return () => this.#engine?.send({ is: "hide", camera });
		};
	}

	/** Opens one camera, or the grid, with an address of its own. */
	show(camera: string | null): void {
		if (camera === this.#requested) return;
		this.#requested = camera;
		history.pushState(null, "", hrefOf(location.href, camera));
		this.#askWhenDrawn();
	}

	/** Pins a rendition; null leaves it to the relay. */
	pin(camera: string, rendition: number | null): void {
		this.pins = { ...this.pins, [camera]: rendition };
		writePin(camera, rendition);
		this.#ask();
	}

	/** The rendition chosen by hand where this browser can show it; null: the relay chooses. */
	pinOf(camera: CameraStatus): number | null {
		const pin = this.pins[camera.id] ?? null;
		const pinned = camera.renditions.find(({ id }) => id === pin);
		return pinned && !codecsOf(this.obstacle).includes(pinned.codec) ? null : pin;
	}

	/** What the relay weighs by where the choice is its own. */
	weigh(mode: Mode): void {
		this.mode = mode;
		writeMode(mode);
		this.#ask();
	}

	stateOf(camera: CameraStatus): TileState {
		return tileState({
			camera,
			stats: this.stats[camera.id],
			offsetMs: this.clock?.offsetMs ?? 0,
			roundTripTime: this.clock?.roundTripTime ?? null,
			now: this.now,
		});
	}

	/** The rendition on screen, if its camera still offers it. */
	shownOf(camera: CameraStatus): Rendition | undefined {
		const shown = this.stats[camera.id]?.rendition;
		return camera.renditions.find(({ id }) => id === shown);
	}

	/** What keeps the picture from a higher rung; null before the relay said. */
	limitOf(camera: string): Limit | null {
		return limitOf(this.standings[camera], this.stats[camera]?.browserLines ?? null);
	}

	/** Of the picture on screen, or the one that will be. */
	sizeOf(camera: CameraStatus): Size {
		const { frameWidth = 0, frameHeight = 0 } = this.stats[camera.id] ?? {};
		return frameHeight > 0 ? { width: frameWidth, height: frameHeight } : (camera.source ?? USUAL_SIZE);
	}

	#take(report: Report): void {
		switch (report.is) {
			case "link":
				return this.#takeLink(report.link);
			case "cameras":
				return this.#takeCameras(report.cameras);
			case "choice":
				return this.#takeChoices(report.choice, report.now);
			case "h264":
				this.obstacle = report.obstacle;
				return;
			case "stats":
				this.stats = report.stats;
				this.now = report.now;
				this.clock = report.clock ?? this.clock; // a lost relay's clock is still the best guess
		}
	}

	#takeLink(link: Link): void {
		this.link = link;
		if (link.is === "live") settleReload();
		else if (link.is === "waiting" && link.ending.code === CLOSE.version) reloadOnce();
	}

	#takeCameras(cameras: CameraStatus[]): void {
		const known = this.pins;
		this.pins = Object.fromEntries(cameras.map(({ id }) => [id, known[id] ?? readPin(id)]));
		this.cameras = cameras;
		this.#askWhenDrawn(); // the new tiles have handed their canvases over then: the first frame must find one
	}

	#takeChoices({ rateBps, cameras }: Choices, now: number): void {
		const renditionsOf = (camera: string) => this.cameras?.find(({ id }) => id === camera)?.renditions ?? [];
		this.standings = follow(this.standings, cameras, { now, renditionsOf });
		this.rateBps = rateBps;
		if (rateBps === null || rateBps < 1 || now - this.#rememberTime < REMEMBER_MS) return;
		this.#rememberTime = now;
		writeRate(networkName(), rateBps);
		this.#engine?.send({ is: "remember", rateBps });
	}

	#askWhenDrawn(): void {
		void tick().then(() => this.#ask());
	}

	/** Tells the engine what is seen now, if that changed. */
	#ask(): void {
		const cameras = this.cameras ?? [];
		for (const camera of cameras) {
			const lines = linesFor(this.tiles.boxOf(camera.id), this.sizeOf(camera), devicePixelRatio);
			if (lines !== null) this.#lines.set(camera.id, steadyLines(this.#lines.get(camera.id), lines));
		}
		const { mode, open, pins } = this;
		const { attended, offScreen } = this.tiles;
		const isHidden = document.hidden;
		const seen = watchSet({ cameras, open, pins, lines: this.#lines, attended, offScreen, isHidden });
		const asked = JSON.stringify([mode, seen]);
		if (asked === this.#asked) return;
		this.#asked = asked;
		this.#engine?.send({ is: "watch", watch: { mode, cameras: seen } });
	}

	#follow(signal: AbortSignal): void {
		const wake = () => this.#engine?.send({ is: "wake" });
		const followVisibility = () => {
			this.#ask();
			if (!document.hidden) wake();
		};
		document.addEventListener("visibilitychange", followVisibility, { signal });
		const returned = (event: Event) => (event as PageTransitionEvent).persisted && wake();
		addEventListener("pageshow", returned, { signal });
		addEventListener("popstate", () => this.#reopen(), { signal });
		followNetwork((change) => {
			this.#engine?.send({ is: "remember", rateBps: readRate(networkName()) });
			if (change === "other") this.#engine?.send({ is: "roam" });
			else wake();
		}, signal);
	}

	#reopen(): void {
		this.#requested = cameraOf(location.href);
		this.#askWhenDrawn();
	}
}
