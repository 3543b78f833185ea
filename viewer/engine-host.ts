import type { Command, Report } from "./engine.ts";
import type { Engines } from "./engines.ts";

/** `worker`, or `page` where canvases cannot move to one or it does not load. */
export type EnginePath = "worker" | "page";

/** What the host of the engine tells besides. */
export type HostReport = Report | { is: "path"; path: EnginePath };

/** The page's side of the engine. */
export interface EngineHost {
	/** `transfer`: what is handed over with it. */
	send(command: Command, transfer?: Transferable[]): void;
	/** Hands the canvas over; a canvas can go only once. */
	show(camera: string, canvas: HTMLCanvasElement): void;
}

type HostReporter = (report: HostReport) => void;

/** Starts an engine that lives until the signal aborts. */
export function startEngine(report: HostReporter, signal: AbortSignal, engines: Engines): EngineHost {
	const onPage = () => pageHost(report, signal, engines);
	if (!canvasesMove()) return onPage();
	try {
		return workerHost(engines.inWorker(), { report, signal, onPage });
	} catch {
		return onPage(); // the browser's policy forbids Workers
	}
}

function canvasesMove(): boolean {
	return (
		typeof Worker === "function" &&
		typeof OffscreenCanvas === "function" &&
		"transferControlToOffscreen" in HTMLCanvasElement.prototype
	);
}

/** A Worker that fails before it said anything did not load: what it was told is told to an engine on the page. */
function workerHost(
	worker: Worker,
	{ report, signal, onPage }: { report: HostReporter; signal: AbortSignal; onPage: () => EngineHost },
): EngineHost {
	let untold: Command[] | null = []; // no canvas is among them: there is none before it named its cameras
	let page: EngineHost | null = null;
	const heard = ({ data }: MessageEvent<Report>) => {
		untold = null;
		report(data);
	};
	const failed = () => {
		if (!untold) return;
		worker.terminate();
		page = onPage();
		for (const command of untold) page.send(command);
		untold = null;
	};
	worker.addEventListener("message", heard, { signal });
	worker.addEventListener("error", failed, { signal });
	signal.addEventListener("abort", () => worker.terminate());
	report({ is: "path", path: "worker" });
	return {
		send(command, transfer = []) {
			if (page) return page.send(command);
			untold?.push(command);
			worker.postMessage(command, transfer);
		},
		show(camera, canvas) {
			if (page) return page.show(camera, canvas);
			const offscreen = canvas.transferControlToOffscreen();
			worker.postMessage({ is: "show", camera, canvas: offscreen } satisfies Command, [offscreen]);
		},
	};
}

function pageHost(report: HostReporter, signal: AbortSignal, engines: Engines): EngineHost {
	// Later, as a Worker would: a report in the midst of the page's own doing would come as a surprise.
	const later: HostReporter = (one) => queueMicrotask(() => !signal.aborted && report(one));
	const engine = engines.onPage(later, signal);
	const handle = (command: Command) => void engine.then((one) => one.handle(command));
	later({ is: "path", path: "page" });
	return {
		send: handle,
		show: (camera, canvas) => handle({ is: "show", camera, canvas }),
	};
}
