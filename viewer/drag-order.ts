import type { Attachment } from "svelte/attachments";

const START_PX = 8; // less is a click
const LONG_PRESS_MS = 400; // a finger that moves sooner scrolls

/** What a drag of one tile over others does. */
export interface DragHandler {
	/** Which tile an element belongs to. */
	tileOf(element: Element | null): string | null;
	/** A tile is being dragged; null: no more. */
	drag(tile: string | null): void;
	/** It is over another one now. */
	over(tile: string, other: string): void;
}

/** Lets tiles in an element be dragged, by mouse at once, by finger after a long press. */
export function dragOrder(handler: DragHandler): Attachment<HTMLElement> {
	return (element) => {
		const over = new AbortController();
		const { signal } = over;
		let held: { tile: string; pointer: number; x: number; y: number } | null = null;
		let dragged: string | null = null;
		let pressed: ReturnType<typeof setTimeout> | undefined;
		const start = () => {
			if (!held) return;
			dragged = held.tile;
			handler.drag(dragged);
		};
		const end = () => {
			clearTimeout(pressed);
			held = null;
			if (dragged === null) return;
			dragged = null;
			handler.drag(null);
			// The click that ends a drag opens nothing.
			const swallow = (event: Event) => event.stopPropagation();
			element.addEventListener("click", swallow, { capture: true, once: true });
			setTimeout(() => element.removeEventListener("click", swallow, { capture: true }));
		};
		element.addEventListener(
			"pointerdown",
			(event) => {
				const tile = handler.tileOf(event.target as Element);
				if (tile === null || event.button !== 0 || held) return;
				held = { tile, pointer: event.pointerId, x: event.clientX, y: event.clientY };
				if (event.pointerType !== "mouse") pressed = setTimeout(start, LONG_PRESS_MS);
			},
			{ signal },
		);
		addEventListener(
			"pointermove",
			(event: PointerEvent) => {
				if (!held || event.pointerId !== held.pointer) return;
				const isFar = Math.hypot(event.clientX - held.x, event.clientY - held.y) > START_PX;
				if (dragged === null && isFar) {
					if (event.pointerType !== "mouse") return end();
					start();
				}
				if (dragged === null) return;
				const other = handler.tileOf(document.elementFromPoint(event.clientX, event.clientY));
				if (other !== null && other !== dragged) handler.over(dragged, other);
			},
			{ signal },
		);
		for (const name of ["pointerup", "pointercancel"]) addEventListener(name, end, { signal });
		const keepStill = (event: Event) => dragged !== null && event.preventDefault();
		element.addEventListener("touchmove", keepStill, { signal, passive: false });
		element.addEventListener("contextmenu", keepStill, { signal });
		element.addEventListener("dragstart", (event) => event.preventDefault(), { signal });
		return () => {
			clearTimeout(pressed);
			over.abort();
		};
	};
}
