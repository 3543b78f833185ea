/** What a key asks the page to do. */
export type Action =
	| {
			is:
				| "back"
				| "grid"
				| "fullscreen"
				| "details"
				| "quality"
				| "help"
				| "pause"
				| "replay"
				| "snapshot"
				| "record"
				| "float"
				| "fit";
	  }
	| { is: "move" | "place"; columns: -1 | 0 | 1; rows: -1 | 0 | 1 }
	| { is: "zoom"; direction: 1 | -1 }
	| { is: "camera"; index: number };

/** Shown on the help sheet, in this order. */
export const KEY_HELP: readonly (readonly [title: string, keys: readonly (readonly [string, string])[]])[] = [
	[
		"Cameras",
		[
			["Enter", "Open the camera in focus"],
			["Esc", "Back"],
			["← →", "Previous and next camera"],
			["1 … 9", "First to ninth camera"],
			["g", "All cameras"],
			["Shift ← →", "Move the camera in focus"],
		],
	],
	[
		"Picture",
		[
			["+ - 0", "Zoom in, out, whole picture"],
			["← →", "Look around while zoomed"],
			["f", "Full screen"],
			["p", "Floating window"],
			["q", "Quality"],
			["i", "Details"],
		],
	],
	[
		"Time",
		[
			["Space", "Pause, go on"],
			["l", "Last 30 seconds, live again"],
			["← →", "Second by second in the past"],
			["s", "Save the picture"],
			["r", "Record, save the recording"],
		],
	],
];

const ACTIONS: Record<string, Action> = {
	Escape: { is: "back" },
	g: { is: "grid" },
	f: { is: "fullscreen" },
	i: { is: "details" },
	q: { is: "quality" },
	s: { is: "snapshot" },
	r: { is: "record" },
	l: { is: "replay" },
	p: { is: "float" },
	"?": { is: "help" },
	" ": { is: "pause" },
	"+": { is: "zoom", direction: 1 },
	"=": { is: "zoom", direction: 1 }, // + without Shift
	"-": { is: "zoom", direction: -1 },
	"0": { is: "fit" },
	ArrowLeft: { is: "move", columns: -1, rows: 0 },
	ArrowRight: { is: "move", columns: 1, rows: 0 },
	ArrowUp: { is: "move", columns: 0, rows: -1 },
	ArrowDown: { is: "move", columns: 0, rows: 1 },
};

/** The action of a key press; null for keys that belong to the browser or to nobody. */
export function actionOf(
	event: Pick<KeyboardEvent, "key" | "ctrlKey" | "metaKey" | "altKey"> & { shiftKey?: boolean },
): Action | null {
	if (event.ctrlKey || event.metaKey || event.altKey) return null;
	if (/^[1-9]$/.test(event.key)) return { is: "camera", index: Number(event.key) - 1 };
	const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
	const action = Object.hasOwn(ACTIONS, key) ? ACTIONS[key]! : null;
	return action?.is === "move" && event.shiftKey ? { ...action, is: "place" } : action;
}
