import { tick } from "svelte";
import type { Attachment } from "svelte/attachments";
import { CLOSE } from "#shared/close.ts";
import type { Rendition } from "#shared/ladder.ts";
import type { CameraStatus } from "#shared/protocol.ts";
import { readChoice, writeChoice } from "./choices.ts";
import type { Link } from "./downlink.ts";
import type { ClockReading, Report } from "./engine.ts";
import { type EngineHost, startEngine } from "./engine-host.ts";
import { reloadOnce, settleReload } from "./reload.ts";
import { cameraOf, hrefOf, watchUrl } from "./route.ts";
import type { CameraStats } from "./screen.ts";
import { type TileState, tileState } from "./tile-state.ts";
import { watchSet } from "./watch-set.ts";

const HIDE_MS = 1_000; // a glance at another tab stops nothing

/** What the page knows and wants: the components only draw it. Frames never come here, only snapshots at 4 Hz. */
export class Player {
	link = $state.raw<Link>({ is: "connecting", since: Date.now(), attempt: 1 });
	/** Every camera of the relay; null before it told. */
	cameras = $state.raw<CameraStatus[] | null>(null);
	stats = $state.raw<Record<string, CameraStats>>({});
	/** Engine clock at the last snapshot. */
	now = $state.raw(Date.now());
	clock = $state.raw<ClockReading | null>(null);
	/** Renditions chosen by hand; a missing one was not looked up yet. */
	choices = $state.raw<Record<string, number | null>>({});
	/** `worker`, or `page` where canvases cannot move to one. */
	path = $state.raw<"worker" | "page" | null>(null);
	#requested = $state.raw<string | null>(null);

	/** The camera that fills the page: the one asked for, or the only one there is; null: the grid. */
	open = $derived(this.#requested ?? (this.cameras?.length === 1 ? this.cameras[0]!.id : null));

	#engine: EngineHost | null = null;
	#sights: IntersectionObserver | null = null; // one for all tiles: what scrolls together is told together
	readonly #tiles = new WeakMap<Element, string>();
	readonly #offScreen = new Set<string>();
	#isHidden = false;
	#asked = "";

	/** Starts the engine and follows the page; the attachment of the page's root. */
	readonly run: Attachment = () => {
		const over = new AbortController();
		const { signal } = over;
		this.#requested = cameraOf(location.href);
		this.#isHidden = document.hidden;
		this.#sights = new IntersectionObserver((entries) => this.#see(entries));
		signal.addEventListener("abort", () => this.#sights?.disconnect());
		this.#engine = startEngine((report) => this.#take(report), signal);
		this.path = this.#engine.path;
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
		this.#ask();
	}

	choose(camera: string, rendition: number | null): void {
		this.choices = { ...this.choices, [camera]: rendition };
		writeChoice(camera, rendition);
		this.#ask();
	}

	/** Follows whether a tile is in sight, because what nobody sees is not asked for. */
	sight(camera: string): Attachment {
		return (tile) => {
			this.#tiles.set(tile, camera);
			this.#sights?.observe(tile);
			return () => {
				this.#sights?.unobserve(tile);
				this.#offScreen.delete(camera);
			};
		};
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

	#take(report: Report): void {
		switch (report.is) {
			case "link":
				return this.#takeLink(report.link);
			case "cameras":
				return this.#takeCameras(report.cameras);
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
		const known = this.choices;
		this.choices = Object.fromEntries(cameras.map(({ id }) => [id, known[id] ?? readChoice(id)]));
		this.cameras = cameras;
		// Once the new tiles have handed their canvases over: the first frame must find one.
		void tick().then(() => this.#ask());
	}

	#see(entries: IntersectionObserverEntry[]): void {
		for (const { target, isIntersecting } of entries) {
			const camera = this.#tiles.get(target);
			if (camera === undefined) continue;
			if (isIntersecting) this.#offScreen.delete(camera);
			else this.#offScreen.add(camera);
		}
		this.#ask();
	}

	/** Tells the engine what is seen now, if that changed. */
	#ask(): void {
		const cameras = watchSet({
			cameras: this.cameras ?? [],
			open: this.open,
			choices: this.choices,
			offScreen: this.#offScreen,
			isHidden: this.#isHidden,
		});
		const asked = JSON.stringify(cameras);
		if (asked === this.#asked) return;
		this.#asked = asked;
		this.#engine?.send({ is: "watch", cameras });
	}

	#follow(signal: AbortSignal): void {
		let timer: ReturnType<typeof setTimeout> | undefined;
		const hide = (isHidden: boolean) => {
			this.#isHidden = isHidden;
			this.#ask();
		};
		const followVisibility = () => {
			clearTimeout(timer);
			if (document.hidden) timer = setTimeout(() => hide(true), HIDE_MS);
			else hide(false);
			if (!document.hidden) wake();
		};
		const wake = () => this.#engine?.send({ is: "wake" });
		document.addEventListener("visibilitychange", followVisibility, { signal });
		addEventListener("pageshow", wake, { signal });
		addEventListener("online", wake, { signal });
		addEventListener("popstate", () => this.#reopen(), { signal });
		signal.addEventListener("abort", () => clearTimeout(timer));
	}

	#reopen(): void {
		this.#requested = cameraOf(location.href);
		this.#ask();
	}
}
