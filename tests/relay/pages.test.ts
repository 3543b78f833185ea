import { afterAll, beforeAll, expect, test } from "bun:test";
import { type Running, startRelay } from "../support/processes.ts";

let relay: Running & { url: string };
beforeAll(async () => {
	relay = await startRelay();
});
afterAll(() => relay[Symbol.asyncDispose]());

test("the page can be installed: manifest and icons are served as what they are", async () => {
	const page = await (await fetch(relay.url)).text();
	const href = /rel="manifest" href="([^"]+)"/.exec(page)?.[1];
	expect(href).toBe("./manifest.webmanifest"); // under a sub-path as well
	const answer = await fetch(new URL(href!, relay.url));
	expect(answer.headers.get("content-type")).toBe("application/manifest+json");
	const manifest = (await answer.json()) as { icons: { src: string; type: string; purpose?: string }[] };
	expect(manifest).toMatchObject({ start_url: "./", scope: "./", display: "standalone" });
	for (const { src, type } of manifest.icons) {
		const icon = await fetch(new URL(src, relay.url));
		expect([icon.status, icon.headers.get("content-type")]).toEqual([200, type]);
	}
	expect(manifest.icons.some(({ purpose }) => purpose === "maskable")).toBe(true);
});

test("the element alone may be loaded by other sites' pages", async () => {
	const script = await fetch(new URL("live-camera.js", relay.url));
	expect(script.headers.get("access-control-allow-origin")).toBe("*");
	expect(script.headers.get("content-type")).toContain("javascript");
	expect((await fetch(relay.url)).headers.has("access-control-allow-origin")).toBe(false);
});
