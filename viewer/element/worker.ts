import { type Command, Engine } from "../engine.ts";

const { signal } = new AbortController(); // never aborted: the page ends a Worker by terminating it
const engine = new Engine((report) => postMessage(report), signal, null);
addEventListener("message", ({ data }: MessageEvent<Command>) => engine.handle(data));
