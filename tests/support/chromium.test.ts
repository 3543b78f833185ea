import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import type { Browser } from "playwright-core";
import { browserProcesses, LAN_HOST, launchChromium, openPage } from "./chromium.ts";
import { setVisibility, throttle } from "./page-conditions.ts";
import { rssBytes } from "./proc.ts";
import { until } from "./until.ts";

const PAGE = `<!doctype html><title>stand-in</title><script>
	window.seen = [];
	window.drawn = 0;
	for (const name of ["visibilitychange", "freeze", "resume"])
		document.addEventListener(name, () => seen.push(name + " " + document.visibilityState));
	(function draw() { drawn += 1; requestAnimationFrame(draw); })();
</script>`;

const WORKER = `onmessage = async ({ data: canvas }) => {
	const context = canvas.getContext("2d");
	context.fillStyle = "rgb(200, 100, 50)";
	context.fillRect(0, 0, 64, 64);
	const jpeg = await canvas.convertToBlob({ type: "image/jpeg", quality: 1 });
	const bitmap = await createImageBitmap(jpeg);
	const decoded = await new Promise((resolve, error) => {
		const decoder = new VideoDecoder({ output: resolve, error });
		const encoder = new VideoEncoder({
			error,
			output: (chunk, { decoderConfig }) => {
				if (decoderConfig) decoder.configure(decoderConfig);
				decoder.decode(chunk);
				decoder.flush();
			},
		});
		encoder.configure({ codec: "avc1.42001f", width: 64, height: 64, avc: { format: "annexb" } });
		const frame = new VideoFrame(bitmap, { timestamp: 0 });
		encoder.encode(frame, { keyFrame: true });
		frame.close();
		encoder.flush();
	});
	context.clearRect(0, 0, 64, 64);
	context.drawImage(decoded, 0, 0);
	const [red, green, blue] = context.getImageData(32, 32, 1, 1).data;
	postMessage({ bitmap: [bitmap.width, bitmap.height], pixel: [red, green, blue] });
	decoded.close();
};`;

const FAULTY = `
	console.error("said in a worker");
	setTimeout(() => fetch("http://127.0.0.1:9/").catch(() => {}), 100);
	throw new Error("thrown in a worker");
`;

const CSP = { "content-security-policy": "default-src 'self'" };

describe("chromium", () => {
	let browser: Browser;
	let server: Bun.Server<undefined>;

	beforeAll(async () => {
		server = Bun.serve({
			hostname: "127.0.0.1",
			port: 0,
			fetch: (request) => {
				const { pathname } = new URL(request.url);
				const headers = { "content-type": "text/javascript" };
				if (pathname === "/worker.js") return new Response(WORKER, { headers });
				if (pathname === "/faulty.js") return new Response(FAULTY, { headers: { ...headers, ...CSP } });
				if (pathname === "/missing") return new Response("", { status: 404 });
				if (pathname === "/body") return new Response(new Uint8Array(200_000));
				const policy = pathname === "/strict" ? CSP : {};
				return new Response(PAGE, { headers: { "content-type": "text/html", ...policy } });
			},
		});
		browser = await launchChromium();
	}, 60_000);

	afterAll(async () => {
		await browser?.close();
		await server?.stop(true);
	});

	test("a worker draws, makes bitmaps and decodes H.264", async () => {
		await using open = await openPage(browser, {
			width: 400,
			height: 300,
			deviceScaleFactor: 2,
			colorScheme: "dark",
		});
		await open.page.goto(`http://127.0.0.1:${server.port}/`);
		const answer = await open.page.evaluate(() => {
			const worker = new Worker("/worker.js");
			const canvas = new OffscreenCanvas(64, 64);
			worker.postMessage(canvas, [canvas]);
			return new Promise<{ bitmap: number[]; pixel: number[] }>((resolve, reject) => {
				worker.onmessage = ({ data }) => resolve(data);
				worker.onerror = ({ message }) => reject(new Error(message));
			});
		});
		expect(answer.bitmap).toEqual([64, 64]);
		for (const [i, want] of [200, 100, 50].entries())
			expect(Math.abs((answer.pixel[i] ?? 0) - want)).toBeLessThan(8);
		const screen = await open.page.evaluate(() => ({
			size: [innerWidth, innerHeight, devicePixelRatio],
			dark: matchMedia("(prefers-color-scheme: dark)").matches,
		}));
		expect(screen).toEqual({ size: [400, 300, 2], dark: true });
		expect(open.problems).toEqual([]);
	});

	test("a page from a LAN address over http is an insecure context", async () => {
		await using open = await openPage(browser);
		const state = () => ({ isSecureContext, decoder: "VideoDecoder" in globalThis });
		await open.page.goto(`http://${LAN_HOST}:${server.port}/`);
		expect(await open.page.evaluate(state)).toEqual({ isSecureContext: false, decoder: false });
		await open.page.goto(`http://127.0.0.1:${server.port}/`);
		expect(await open.page.evaluate(state)).toEqual({ isSecureContext: true, decoder: true });
	});

	test("every kind of error is collected, those of workers too", async () => {
		await using open = await openPage(browser);
		await open.page.goto(`http://127.0.0.1:${server.port}/strict`);
		await open.page.evaluate(() => {
			setTimeout(() => {
				throw new Error("thrown in the page");
			});
			console.error("said in the page");
			fetch("/missing");
			new Worker("/faulty.js");
		});
		const expected = [
			"inline script violates", // the page's own
			"said in the page",
			"thrown in the page",
			"404",
			"said in a worker",
			"thrown in a worker",
			"connect-src refuses http://127.0.0.1:9/",
		];
		const missing = () => expected.filter((part) => !open.problems.some((problem) => problem.includes(part)));
		await until(() => missing().length === 0, { what: "all problems" }).catch(() => {});
		expect(missing()).toEqual([]);
	});

	test("a hidden page stops drawing, a frozen one stops altogether, both come back", async () => {
		await using open = await openPage(browser);
		await using other = await openPage(browser);
		for (const { page } of [open, other]) await page.goto(`http://127.0.0.1:${server.port}/`);
		const drawn = () => open.page.evaluate<number>("drawn");
		await setVisibility(open.page, "hidden");
		const before = await drawn();
		await Bun.sleep(200);
		expect(await drawn()).toBe(before);
		expect(await other.page.evaluate("document.visibilityState")).toBe("visible");
		await setVisibility(open.page, "frozen");
		await setVisibility(open.page, "visible");
		await open.page.waitForFunction(`drawn > ${before + 2}`);
		const seen = ["visibilitychange hidden", "freeze hidden", "resume hidden", "visibilitychange visible"];
		expect(await open.page.evaluate<string[]>("seen")).toEqual(seen);
	});

	test("a throttled page is slow, an offline one cut off, and both recover", async () => {
		await using open = await openPage(browser);
		await open.page.goto(`http://127.0.0.1:${server.port}/`);
		const load = () =>
			open.page.evaluate(async () => {
				const started = performance.now();
				await (await fetch("/body", { cache: "no-store" })).arrayBuffer();
				return performance.now() - started;
			});
		await throttle(open.page, { downBps: 200_000 });
		expect(await load()).toBeGreaterThan(800);
		await throttle(open.page, { offline: true });
		await expect(load()).rejects.toThrow("Failed to fetch");
		await throttle(open.page, {});
		expect(await load()).toBeLessThan(500);
	});

	test("the browser's processes can be measured", async () => {
		const processes = await browserProcesses(browser);
		expect(processes.map(({ type }) => type)).toContain("browser");
		expect(rssBytes(...processes.map(({ pid }) => pid))).toBeGreaterThan(1e8);
	});
});
