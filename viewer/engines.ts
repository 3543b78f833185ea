import type { Engine, Reporter } from "./engine.ts";

/** Where a page's engine comes from. */
export interface Engines {
	/** In a Worker; may throw where there are none. */
	inWorker(): Worker;
	/** On the page itself, where canvases cannot move to a Worker or it does not load. */
	onPage(report: Reporter, signal: AbortSignal): Promise<Engine>;
}

/** Files of their own beside the page. */
export const PAGE_ENGINES: Engines = {
	inWorker: () => new Worker(new URL("./worker.ts", import.meta.url), { type: "module" }),
	async onPage(report, signal) {
		const [{ Engine }, { loadStudio }] = await Promise.all([
			import("./engine.ts"),
			import("./studio/load-studio.ts"),
		]);
		return new Engine(report, signal, loadStudio);
	},
};
