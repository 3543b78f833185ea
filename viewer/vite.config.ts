import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const RELAY = "http://127.0.0.1:6732"; // while developing: bun run relay, then bunx --bun vite viewer

export default defineConfig({
	base: "./", // the page also works under a sub-path
	plugins: [svelte()],
	worker: { format: "es" },
	build: { modulePreload: { polyfill: false } },
	server: {
		proxy: { "/api": RELAY, "/watch": { target: RELAY, ws: true } },
	},
});
