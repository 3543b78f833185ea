import { tick } from "svelte";
import type { Attachment } from "svelte/attachments";
import { CLOSE } from "#shared/close.ts";
import type { Rendition, Size } from "#shared/ladder.ts";
import type { CameraStatus, Limit, Mode } from "#shared/protocol.ts";
import type { Choices } from "./connection.ts";
import type { Link } from "./downlink.ts";
import type { ClockReading } from "./engine.ts";
import { type EngineHost, type EnginePath, type HostReport, startEngine } from "./engine-host.ts";
import type { Engines } from "./engines.ts";
import { codecsOf, type Obstacle } from "./h264-support.ts";
import {
	readMode,
	readOrder,
	readPin,
	readRate,
	writeMode,
	writeOrder,
	writePin,
	writeRate,
} from "./memory.ts";
import { followNetwork, networkName } from "./network.ts";
import { arranged } from "./order.ts";
import { linesFor, steadyLines } from "./picture-lines.ts";
import type { Place } from "./place.ts";
import { Samples } from "./plots/samples.ts";
import { reloadOnce, settleReload } from "./reload.ts";
import type { CameraStats } from "./screen.ts";
import { follow, limitOf, type Standing } from "./standing.ts";
import type { StudioReport, StudioRequest } from "./studio/studio.ts";
import { type TileState, tileState } from "./tile-state.ts";
import { Tiles } from "./tiles.ts";
import { watchSet } from "./watch-set.ts";
import { FIT, type Zoom } from "./zoom/zoom.ts";

const REMEMBER_MS = 5_000;
const USUAL_SIZE: Size = { width: 16, height: 9 }; // of a camera that has told none

/** What the page knows and wants: the components only draw it. Frames never come here, only snapshots at 4 Hz. */
export class Player {
	link = $state.raw<Link>({ is: "connecting", since: Date.now(), attempt: 1 });
	/** Every camera of the relay, in the order a person gave them; null before it told. */
	cameras = $derived.by(() => this.#listed && arranged(this.#listed, this.#order));
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
	#obstacle = $state.raw<Obstacle | null>(null);
	/** The same of single cameras. */
	#obstacles = $state.raw<Record<string, Obstacle | null>>({});
	path = $state.raw<EnginePath | null>(null);
	/** How the open camera's picture lies in its tile. */
	zoom = $state.raw<Zoom>(FIT);
	#listed = $state.raw<CameraStatus[] | null>(null);
	#order = $state.raw<readonly string[]>(readOrder());
	#requested = $state.raw<string | null>(null);

	/** The camera that fills the page: the one asked for, or the only one there is; null: the grid. */
	open = $derived(this.#requested ?? (this.cameras?.length === 1 ? this.cameras[0]!.id : null));

	readonly tiles = new Tiles(() => this.#ask());
	/** The last two minutes of the open camera. */
	readonly samples = new Samples();
	/** Hears what becomes of a `studio` request. */
	onStudio: (report: StudioReport) => void = () => {};
	readonly #place: Place;
	readonly #engines: Engines;
	readonly #canvases = new Map<string, HTMLCanvasElement>();
	readonly #kept = new Map<symbol, string>();
	#engine: EngineHost | null = null;
	readonly #lines = new Map<string, number>(); // as last said
	#asked = "";
	#rememberTime = Number.NEGATIVE_INFINITY;

	constructor(place: Place, engines: Engines) {
		this.#place = place;
		this.#engines = engines;
	}

	/** Starts the engine and follows the page; the attachment of the page's root. */
	readonly run: Attachment = () => {
		const over = new AbortController();
		const { signal } = over;
		this.#requested = this.#place.camera;
		this.tiles.run(signal);
		this.#engine = startEngine((report) => this.#take(report), signal, this.#engines);
		this.#engine.send({ is: "remember", rateBps: readRate(networkName()) });
		this.#engine.send({ is: "start", url: this.#place.watchUrl });
		this.#follow(signal);
		return () => over.abort();
	};

	/** Shows a camera on a canvas for as long as that is on the page. */
	canvas(camera: string): Attachment<HTMLCanvasElement> {
		return (canvas) => {
			this.#engine?.show(camera, canvas);
			this.#canvases.set(camera, canvas);
			return () => {
				this.#canvases.delete(camera);
				this.#engine?.send({ is: "hide", camera });
			};
		};
	}

	/** What a camera is shown on; `drawImage` of it reads the picture on screen. */
	canvasOf(camera: string): HTMLCanvasElement | undefined {
		return this.#canvases.get(camera);
	}

	/** Asks for what the pictures are good for besides being shown. */
	studio(request: StudioRequest, transfer?: Transferable[]): void {
		this.#engine?.send({ is: "studio", request }, transfer);
	}

	/** Keeps a camera watched though it is not seen, until what is returned is called. */
	keep(camera: string): () => void {
		const reason = Symbol();
		this.#kept.set(reason, camera);
		this.#ask();
		return () => {
			this.#kept.delete(reason);
			this.#ask();
		};
	}

	/** Opens one camera, or the grid, with an address of its own. */
	show(camera: string | null): void {
		if (camera === this.#requested) return;
		this.#requested = camera;
		this.zoom = FIT;
		this.#place.go(camera);
		this.#askWhenDrawn();
	}

	/** Shows a part of the open camera's picture; a larger rendition follows once it settled. */
	look(zoom: Zoom): void {
		if (zoom.scale === this.zoom.scale && zoom.x === this.zoom.x && zoom.y === this.zoom.y) return;
		this.zoom = zoom;
		this.tiles.settle();
	}

	/** Puts the cameras in an order of one's own. */
	arrange(ids: readonly string[]): void {
		this.#order = ids;
		writeOrder(ids);
	}

	/** Pins a rendition; null leaves it to the relay. */
	pin(camera: string, rendition: number | null): void {
		this.pins = { ...this.pins, [camera]: rendition };
		writePin(camera, rendition);
		this.#ask();
	}

	/** Why a camera is not shown as H.264; null: it may be, or that is not known yet. */
	obstacleOf(camera: string): Obstacle | null {
		return this.#obstacle ?? this.#obstacles[camera] ?? null;
	}

	/** The rendition chosen by hand where this browser can show it; null: the relay chooses. */
	pinOf(camera: CameraStatus): number | null {
		const pin = this.pins[camera.id] ?? null;
		const pinned = camera.renditions.find(({ id }) => id === pin);
		return pinned && !codecsOf(this.obstacleOf(camera.id)).includes(pinned.codec) ? null : pin;
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

	#take(report: HostReport): void {
		switch (report.is) {
			case "path":
				this.path = report.path;
				return;
			case "studio":
				return this.onStudio(report.report);
			case "link":
				return this.#takeLink(report.link);
			case "cameras":
				return this.#takeCameras(report.cameras);
			case "choice":
				return this.#takeChoices(report.choice, report.now);
			case "h264":
				if (report.camera === null) this.#obstacle = report.obstacle;
				else this.#obstacles = { ...this.#obstacles, [report.camera]: report.obstacle };
				return;
			case "stats": {
				this.stats = report.stats;
				this.now = report.now;
				this.clock = report.clock ?? this.clock; // a lost relay's clock is still the best guess
				const open = this.open;
				if (open !== null && this.stats[open]) this.samples.add(open, this.now, this.stats[open]);
			}
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
		this.#listed = cameras;
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
			const pixelRatio = devicePixelRatio * (camera.id === this.open ? this.zoom.scale : 1);
			const lines = linesFor(this.tiles.boxOf(camera.id), this.sizeOf(camera), pixelRatio);
			if (lines !== null) this.#lines.set(camera.id, steadyLines(this.#lines.get(camera.id), lines));
		}
		const { mode, open, pins } = this;
		const { attended, offScreen } = this.tiles;
		const isHidden = document.hidden;
		const [lines, kept] = [this.#lines, new Set(this.#kept.values())];
		const seen = watchSet({ cameras, open, pins, lines, attended, offScreen, isHidden, kept });
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
		this.#place.follow(() => this.#reopen(), signal);
		followNetwork((change) => {
			this.#engine?.send({ is: "remember", rateBps: readRate(networkName()) });
			if (change === "other") this.#engine?.send({ is: "roam" });
			else wake();
		}, signal);
	}

	#reopen(): void {
		this.#requested = this.#place.camera;
		this.zoom = FIT;
		this.#askWhenDrawn();
	}
}
