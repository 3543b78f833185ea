/** The camera whose tile has the focus. */
export function focusedCamera(): string | undefined {
	return document.activeElement?.closest<HTMLElement>("[data-camera]")?.dataset.camera;
}

/** Puts the focus on a camera's tile in the grid. */
export function focusTile(camera: string): void {
	focus(`[data-camera="${camera}"] button`);
}

/** Puts the focus back on the button that opened a panel. */
export function focusControl(panel: string): void {
	focus(`[data-control="${panel}"]`);
}

function focus(selector: string): void {
	document.querySelector<HTMLElement>(selector)?.focus();
}
