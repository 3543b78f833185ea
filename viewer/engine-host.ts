import { type Command, Engine, type Report } from "./engine.ts";

/** The page's side of the engine: in a Worker where canvases can move there, else on the page itself. */
export interface EngineHost {
	readonly path: "worker" | "page";
	send(command: Command): void;
	/** Hands the canvas over; a canvas can go only once. */
	show(camera: string, canvas: HTMLCanvasElement): void;
}

/** Starts an engine that lives until the signal aborts. */
export function startEngine(report: (report: Report) => void, signal: AbortSignal): EngineHost {
	return canvasesMove() ? inWorker(report, signal) : onPage(report, signal);
}

function canvasesMove(): boolean {
	return (
		typeof Worker === "function" &&
		typeof OffscreenCanvas === "function" &&
		"transferControlToOffscreen" in HTMLCanvasElement.prototype
	);
}

function inWorker(report: (report: Report) => void, signal: AbortSignal): EngineHost {
	const worker = new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
	worker.addEventListener("message", ({ data }: MessageEvent<Report>) => report(data), { signal });
	signal.addEventListener("abort", () => worker.terminate());
	return {
		path: "worker",
		send: (command) => worker.postMessage(command),
		show(camera, canvas) {
			const offscreen = canvas.transferControlToOffscreen();
			const command: Command = { is: "show", camera, canvas: offscreen };
			worker.postMessage(command, [offscreen]);
		},
	};
}

function onPage(report: (report: Report) => void, signal: AbortSignal): EngineHost {
	// Later, as a Worker would: a report in the midst of the page's own doing would come as a surprise.
	const later = (one: Report) => queueMicrotask(() => !signal.aborted && report(one));
	const engine = new Engine(later, signal);
	return {
		path: "page",
		send: (command) => engine.handle(command),
		show: (camera, canvas) => engine.handle({ is: "show", camera, canvas }),
	};
}
