import { type Command, Engine } from "./engine.ts";
import { loadStudio } from "./studio/load-studio.ts";

const { signal } = new AbortController(); // never aborted: the page ends a Worker by terminating it
const engine = new Engine((report) => postMessage(report), signal, loadStudio);
addEventListener("message", ({ data }: MessageEvent<Command>) => engine.handle(data));
