import { tick } from "svelte";
import type { CameraStatus } from "#shared/protocol.ts";
import { focusControl, focusedCamera, focusTile } from "./focus.ts";
import type { Instruments } from "./instruments/instruments.svelte.ts";
import { type Action, actionOf } from "./keys.ts";
import { moved } from "./order.ts";
import type { Player } from "./player.svelte.ts";
import { ZoomControl } from "./zoom/zoom-control.ts";

const REST_MS = 2_500; // then the controls go
const SKIP_MS = 1_000; // one arrow key in the past

/** What is open around the pictures, and what keys and buttons do. */
export class Desk {
	panel = $state.raw<"quality" | "details" | null>(null);
	isHelpOpen = $state.raw(false);
	/** Somebody moved lately: the controls are shown. */
	isStirred = $state.raw(false);
	fullscreenElement = $state.raw<Element | null>(null);
	/** Of the grid. */
	columns = $state.raw(1);
	readonly #player: Player;
	readonly #instruments: Instruments;
	#resting: ReturnType<typeof setTimeout> | undefined;

	cameras = $derived.by(() => this.#player.cameras ?? []);
	/** The camera that fills the page. */
	open = $derived.by(() => this.cameras.find(({ id }) => id === this.#player.open));

	constructor(player: Player, instruments: Instruments) {
		this.#player = player;
		this.#instruments = instruments;
	}

	stir = (): void => {
		this.isStirred = true;
		clearTimeout(this.#resting);
		this.#resting = setTimeout(() => {
			this.isStirred = false;
		}, REST_MS);
	};

	act = (action: Action): void => {
		this.stir();
		switch (action.is) {
			case "back":
				return this.#back();
			case "grid":
				return void this.showAll();
			case "fullscreen":
				return void this.#toggleFullscreen();
			case "help":
				this.isHelpOpen = !this.isHelpOpen;
				return;
			case "camera":
				return this.show(this.cameras[action.index]?.id);
			case "move":
				return this.#move(action);
			case "place":
				return void this.#place(action.columns + action.rows * this.columns);
			default: {
				const id = this.open?.id ?? focusedCamera();
				const subject = this.cameras.find((camera) => camera.id === id);
				if (subject) this.#actOn(subject, action);
			}
		}
	};

	keydown = (event: KeyboardEvent): void => {
		if (document.querySelector("dialog[open]")) return; // it has its own
		if (isWriting(event.target as Element)) return;
		const action = actionOf(event);
		this.stir();
		if (!action) return;
		// Arrows choose in menus and on scales; the space bar presses what has the focus.
		if (action.is === "move" && event.target instanceof HTMLInputElement) return;
		if (action.is === "pause" && (event.target as Element).closest("button, input, summary")) return;
		event.preventDefault();
		this.act(action);
	};

	pointerdown = (event: PointerEvent): void => {
		this.stir();
		const isInside = (event.target as Element).closest("[data-panel], [data-control]");
		if (this.panel === "quality" && !isInside) this.panel = null;
	};

	show(camera: string | undefined): void {
		if (camera === undefined) return;
		this.#instruments.goLive();
		this.#player.show(camera);
	}

	async showAll(): Promise<void> {
		const from = this.open?.id;
		if (this.cameras.length < 2 && from !== undefined) return;
		this.panel = null;
		this.#instruments.goLive();
		this.#player.show(null);
		await tick();
		if (from !== undefined) focusTile(from);
	}

	closePanel = async (): Promise<void> => {
		const closed = this.panel;
		this.panel = null;
		await tick();
		if (closed) focusControl(closed);
	};

	#back(): void {
		if (this.panel) void this.closePanel();
		else if (this.#instruments.replayed) this.#instruments.goLive();
		else void this.showAll();
	}

	#move(action: { columns: -1 | 0 | 1; rows: -1 | 0 | 1 }): void {
		const { replay } = this.#instruments;
		if (replay && action.columns !== 0) return this.#instruments.seek(replay.time + action.columns * SKIP_MS);
		if (!this.open) return this.#moveFocus(action.columns + action.rows * this.columns);
		const zoom = new ZoomControl(this.#player, this.open.id);
		if (zoom.canPan()) zoom.panStep(action);
		else this.#step(action.columns);
	}

	#actOn(camera: CameraStatus, action: Action): void {
		const instruments = this.#instruments;
		switch (action.is) {
			case "snapshot":
				return void instruments.snapshot(camera);
			case "record":
				return instruments.record(camera);
			case "float":
				return void (instruments.canFloat && instruments.float(camera));
			case "pause":
			case "replay":
				return this.#lookBack(camera, action.is === "replay");
			case "zoom":
				return this.open && new ZoomControl(this.#player, this.open.id).zoomStep(action.direction);
			case "fit":
				return this.open && new ZoomControl(this.#player, this.open.id).fit();
			case "quality":
			case "details":
				this.#player.show(camera.id);
				this.panel = this.panel === action.is ? null : action.is;
		}
	}

	/** The space bar holds and goes on, wherever the replay stands; the other key leads there and back. */
	#lookBack(camera: CameraStatus, isReplay: boolean): void {
		if (this.#instruments.replayed) {
			if (isReplay) this.#instruments.goLive();
			else this.#instruments.togglePlay();
			return;
		}
		this.#player.show(camera.id);
		this.panel = null;
		this.#instruments.lookBack(camera.id, isReplay);
	}

	async #toggleFullscreen(): Promise<void> {
		try {
			if (this.fullscreenElement) await document.exitFullscreen();
			else await document.documentElement.requestFullscreen();
		} catch {
			// the browser refuses where a person did not ask; there is nothing to say
		}
	}

	#step(by: number): void {
		const index = this.cameras.findIndex(({ id }) => id === this.open?.id);
		if (by !== 0 && this.cameras.length > 1)
			this.show(this.cameras.at((index + by) % this.cameras.length)?.id);
	}

	#moveFocus(by: number): void {
		const index = this.cameras.findIndex(({ id }) => id === focusedCamera());
		const next = index < 0 ? 0 : index + by;
		if (next >= 0 && next < this.cameras.length) focusTile(this.cameras[next]!.id);
	}

	/** Moves the tile in focus to another place of the grid. */
	async #place(by: number): Promise<void> {
		const id = focusedCamera();
		const ids = this.cameras.map((camera) => camera.id);
		if (this.open || id === undefined) return;
		this.#player.arrange(moved(ids, id, ids.indexOf(id) + by));
		await tick();
		focusTile(id); // an element that is moved loses it
	}
}

/** Whether keys are letters there. */
function isWriting(target: Element): boolean {
	return target.matches("input:not([type=radio], [type=range], [type=checkbox]), textarea, select");
}
