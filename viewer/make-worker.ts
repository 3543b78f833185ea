/** The engine's Worker, as a file of its own beside the page. */
export function makeWorker(): Worker {
	return new Worker(new URL("./worker.ts", import.meta.url), { type: "module" });
}
