/** What a key asks the page to do. */
export type Action =
	| { is: "back" | "grid" | "fullscreen" | "details" | "quality" | "help" }
	| { is: "move"; columns: -1 | 0 | 1; rows: -1 | 0 | 1 }
	| { is: "camera"; index: number };

/** Shown on the help sheet, in this order. */
export const KEY_HELP: readonly (readonly [keys: readonly string[], what: string])[] = [
	[["Enter"], "Open the camera in focus"],
	[["Esc"], "Back"],
	[["left", "right"], "Previous and next camera"],
	[["1", "9"], "First to ninth camera"],
	[["g"], "All cameras"],
	[["q"], "Quality"],
	[["i"], "Details"],
	[["f"], "Full screen"],
	[["?"], "This help"],
];

const ACTIONS: Record<string, Action> = {
	Escape: { is: "back" },
	g: { is: "grid" },
	f: { is: "fullscreen" },
	i: { is: "details" },
	q: { is: "quality" },
	"?": { is: "help" },
	ArrowLeft: { is: "move", columns: -1, rows: 0 },
	ArrowRight: { is: "move", columns: 1, rows: 0 },
	ArrowUp: { is: "move", columns: 0, rows: -1 },
	ArrowDown: { is: "move", columns: 0, rows: 1 },
};

/** The action of a key press; null for keys that belong to the browser or to nobody. */
export function actionOf(
	event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey">,
): Action | null {
	if (event.ctrlKey || event.metaKey || event.altKey) return null;
	if (/^[1-9]$/.test(event.key)) return { is: "camera", index: Number(event.key) - 1 };
	const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
	return Object.hasOwn(ACTIONS, key) ? ACTIONS[key]! : null;
}
