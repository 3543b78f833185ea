import type { Player } from "../player.svelte.ts";
import { FIT, panBy, type Room, zoomAt } from "./zoom.ts";
import type { ZoomHandler } from "./zoom-gestures.ts";

const TOGGLED_SCALE = 2.5;
const KEY_FACTOR = 1.4;
const KEY_PAN_SHARE = 0.15; // of the tile's side

/** What gestures and keys do to the picture of the open camera. */
export class ZoomControl implements ZoomHandler {
	readonly #player: Player;
	readonly #camera: string;

	/** `camera` is the open one's id. */
	constructor(player: Player, camera: string) {
		this.#player = player;
		this.#camera = camera;
	}

	canPan(): boolean {
		return this.#player.zoom.scale > 1;
	}

	zoom(factor: number, at: { x: number; y: number }): void {
		this.#player.look(zoomAt(this.#player.zoom, factor, at, this.#room));
	}

	pan(by: { x: number; y: number }): void {
		this.#player.look(panBy(this.#player.zoom, by, this.#room));
	}

	toggle(at: { x: number; y: number }): void {
		if (this.canPan()) this.fit();
		else this.zoom(TOGGLED_SCALE, at);
	}

	fit(): void {
		this.#player.look(FIT);
	}

	/** One key press: in or out about the middle. */
	zoomStep(direction: 1 | -1): void {
		const { width, height } = this.#room.box;
		this.zoom(KEY_FACTOR ** direction, { x: width / 2, y: height / 2 });
	}

	/** One key press: looks further left or right, up or down. */
	panStep({ columns, rows }: { columns: number; rows: number }): void {
		const { width, height } = this.#room.box;
		this.pan({ x: -columns * width * KEY_PAN_SHARE, y: -rows * height * KEY_PAN_SHARE });
	}

	get #room(): Room {
		const camera = this.#player.cameras?.find(({ id }) => id === this.#camera);
		const picture = camera ? this.#player.sizeOf(camera) : { width: 16, height: 9 };
		return { box: this.#player.tiles.boxOf(this.#camera), picture };
	}
}
