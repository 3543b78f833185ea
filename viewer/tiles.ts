import type { Attachment } from "svelte/attachments";
import { focusedCamera } from "./focus.ts";
import type { Box } from "./grid.ts";

const SETTLE_MS = 100; // while a window is dragged its tiles have no size yet

/** Follows the tiles on the page: which are in sight, how large they are, which one is attended to. */
export class Tiles {
	/** Scrolled out of sight. */
	readonly offScreen = new Set<string>();
	readonly #onChange: () => void;
	readonly #elements = new Map<string, Element>();
	#sights: IntersectionObserver | null = null; // one for all: what scrolls together is told together
	#sizes: ResizeObserver | null = null;
	#hovered: string | null = null;
	#timer: ReturnType<typeof setTimeout> | undefined;

	/** `onChange` is called when something may be other than before: at once for sight, settled for the rest. */
	constructor(onChange: () => void) {
		this.#onChange = onChange;
	}

	/** Call before the first tile is attached. */
	run(signal: AbortSignal): void {
		const settle = () => this.settle();
		this.#sights = new IntersectionObserver((entries) => this.#see(entries));
		this.#sizes = new ResizeObserver(settle);
		addEventListener("resize", settle, { signal });
		followPixelRatio(settle, signal);
		document.addEventListener("fullscreenchange", this.#onChange, { signal });
		for (const name of ["focusin", "focusout"]) document.addEventListener(name, settle, { signal });
		document.addEventListener("pointerover", ({ target }) => this.#hover(target as Element), { signal });
		document.documentElement.addEventListener("pointerleave", () => this.#hover(null), { signal });
		signal.addEventListener("abort", () => {
			clearTimeout(this.#timer);
			this.#sights?.disconnect();
			this.#sizes?.disconnect();
		});
	}

	/** The attachment of a camera's tile. */
	follow(camera: string): Attachment {
		return (tile) => {
			this.#elements.set(camera, tile);
			this.#sights?.observe(tile);
			this.#sizes?.observe(tile);
			return () => {
				this.#sights?.unobserve(tile);
				this.#sizes?.unobserve(tile);
				this.#elements.delete(camera);
				this.offScreen.delete(camera);
			};
		};
	}

	/** The tile under the pointer, or else the one with the focus. */
	get attended(): string | null {
		return this.#hovered ?? focusedCamera() ?? null;
	}

	/** A tile's present size, CSS px; empty where it is not shown. */
	boxOf(camera: string): Box {
		const { clientWidth = 0, clientHeight = 0 } = this.#elements.get(camera) ?? {};
		return { width: clientWidth, height: clientHeight };
	}

	#see(entries: IntersectionObserverEntry[]): void {
		for (const { target, isIntersecting } of entries) {
			const camera = (target as HTMLElement).dataset.camera!;
			if (isIntersecting) this.offScreen.delete(camera);
			else this.offScreen.add(camera);
		}
		this.#onChange();
	}

	#hover(target: Element | null): void {
		const hovered = target?.closest<HTMLElement>("[data-camera]")?.dataset.camera ?? null;
		if (hovered === this.#hovered) return;
		this.#hovered = hovered;
		this.settle();
	}

	/** Something changes, maybe many times in a row. */
	settle(): void {
		clearTimeout(this.#timer);
		this.#timer = setTimeout(this.#onChange, SETTLE_MS);
	}
}

/** A window moved to another screen has other pixels without being resized. */
function followPixelRatio(onChange: () => void, signal: AbortSignal): void {
	const changed = () => {
		if (signal.aborted) return;
		onChange();
		followPixelRatio(onChange, signal);
	};
	const query = matchMedia(`(resolution: ${devicePixelRatio}dppx)`);
	query.addEventListener("change", changed, { once: true, signal });
}
