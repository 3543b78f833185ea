import type { Attachment } from "svelte/attachments";

const WHEEL_SENSITIVITY = 0.0016; // of one pixel of a wheel, as the exponent of e
const PINCH_WHEEL_SENSITIVITY = 0.01; // of a touchpad's pinch, which comes as a finer wheel with Ctrl
const WHEEL_LINE_PX = 20;
const DRAG_PX = 4; // less is a click

interface Point {
	x: number;
	y: number;
}

/** What a hand does to a picture; points are CSS px in the element. */
export interface ZoomHandler {
	/** False: drags are left alone. */
	canPan(): boolean;
	zoom(factor: number, at: Point): void;
	pan(by: Point): void;
	/** A double click or double tap. */
	toggle(at: Point): void;
}

/** Wheel, drag, pinch and double click on an element. */
export function zoomGestures(handler: ZoomHandler): Attachment<HTMLElement> {
	return (element) => {
		const over = new AbortController();
		const { signal } = over;
		const pointers = new Map<number, Point>();
		let travelled = 0;
		const pointOf = ({ clientX, clientY }: MouseEvent): Point => {
			const { left, top } = element.getBoundingClientRect();
			return { x: clientX - left, y: clientY - top };
		};
		const wheel = (event: WheelEvent) => {
			event.preventDefault();
			const pixels = event.deltaY * (event.deltaMode === WheelEvent.DOM_DELTA_LINE ? WHEEL_LINE_PX : 1);
			const sensitivity = event.ctrlKey ? PINCH_WHEEL_SENSITIVITY : WHEEL_SENSITIVITY;
			handler.zoom(Math.exp(-pixels * sensitivity), pointOf(event));
		};
		const down = (event: PointerEvent) => {
			if (event.button !== 0) return;
			pointers.set(event.pointerId, pointOf(event));
			travelled = 0;
		};
		const move = (event: PointerEvent) => {
			const from = pointers.get(event.pointerId);
			if (!from) return;
			const to = pointOf(event);
			const [, other] = [...pointers].find(([id]) => id !== event.pointerId) ?? [];
			pointers.set(event.pointerId, to);
			if (other) {
				handler.zoom(distance(to, other) / Math.max(1, distance(from, other)), middle(from, other));
				const [before, after] = [middle(from, other), middle(to, other)];
				return handler.pan({ x: after.x - before.x, y: after.y - before.y });
			}
			if (!handler.canPan()) return;
			travelled += distance(from, to);
			if (travelled > DRAG_PX && !element.hasPointerCapture(event.pointerId))
				element.setPointerCapture(event.pointerId);
			handler.pan({ x: to.x - from.x, y: to.y - from.y });
		};
		const up = (event: PointerEvent) => void pointers.delete(event.pointerId);
		const listen = { signal };
		element.addEventListener("wheel", wheel, { signal, passive: false });
		element.addEventListener("pointerdown", down, listen);
		element.addEventListener("pointermove", move, listen);
		for (const name of ["pointerup", "pointercancel"] as const) element.addEventListener(name, up, listen);
		addEventListener("pointerup", up, listen); // it may have left the element
		element.addEventListener("dblclick", (event) => handler.toggle(pointOf(event)), listen);
		return () => over.abort();
	};
}

function distance(a: Point, b: Point): number {
	return Math.hypot(a.x - b.x, a.y - b.y);
}

function middle(a: Point, b: Point): Point {
	return { x: (a.x + b.x) / 2, y: (a.y + b.y) / 2 };
}
