import { join } from "node:path";
import type { Browser, Page, Worker } from "playwright-core";
import { type OpenPage, openPage, type View } from "../support/chromium.ts";
import { until } from "../support/until.ts";

const PICTURE_MS = 20_000;

/** The product's page in a real Chromium, as a person would use it. */
export class ViewerPage implements AsyncDisposable {
	readonly page: Page;
	/** Errors of the page so far; tests expect none. */
	readonly problems: string[];
	readonly #open: OpenPage;

	private constructor(open: OpenPage) {
		this.#open = open;
		this.page = open.page;
		this.problems = open.problems;
	}

	/** Opens `url`; resolves when the document is there, not yet a picture. */
	static async open(browser: Browser, url: string, view: View = {}): Promise<ViewerPage> {
		const open = await openPage(browser, view);
		await open.page.addInitScript({ content: await inPageScript() });
		await open.page.goto(url);
		return new ViewerPage(open);
	}

	/** A data attribute of a camera's tile, as `dataset` names it; null when there is none. */
	async tile(camera: string, name: string): Promise<string | null> {
		return await this.page.evaluate(
			([id, key]) =>
				document.querySelector<HTMLElement>(`article[data-camera="${id}"]`)?.dataset[key!] ?? null,
			[camera, name],
		);
	}

	/** Waits until the tile is in this state. */
	async reaches(camera: string, state: string, timeoutMs = PICTURE_MS): Promise<void> {
		await until(async () => (await this.tile(camera, "state")) === state, {
			what: `${camera} to be ${state}`,
			timeoutMs,
		});
	}

	/** Waits until `count` more frames were painted. */
	async paints(camera: string, count = 5): Promise<void> {
		const frames = async () => Number(await this.tile(camera, "frames"));
		const before = await frames();
		await until(async () => (await frames()) >= before + count, {
			what: `${count} more frames of ${camera}`,
			timeoutMs: PICTURE_MS,
		});
	}

	/** The words over a tile that shows nothing. */
	async notice(camera: string): Promise<string> {
		const notice = this.page.locator(`article[data-camera="${camera}"] [data-notice]`);
		return (await notice.textContent()) ?? "";
	}

	/** Picks a rendition in the page's menu. */
	async choose(rendition: number): Promise<void> {
		await this.page.keyboard.press("q");
		await this.page.locator(`[data-panel=quality] input[value="${rendition}"]`).check({ force: true });
		await this.page.keyboard.press("Escape");
	}

	/** Lines of the picture on a tile's canvas. */
	async canvasLines(camera: string): Promise<number> {
		const canvas = this.page.locator(`article[data-camera="${camera}"] canvas`);
		return await canvas.evaluate((one) => (one as HTMLCanvasElement).height);
	}

	/** See in-page.ts. */
	async sightings(camera: string, count: number) {
		return await this.page.evaluate(([id, n]) => sightings(id, n), [camera, count] as const);
	}

	/** The low 32 bits of the clock in the picture, or null. */
	async pictureClock(camera: string): Promise<number | null> {
		return await this.page.evaluate((id) => pictureClock(id), camera);
	}

	/** Has the page's Worker note what it draws from now on: see in-worker.ts. */
	async spy(): Promise<Worker> {
		const [worker] = this.page.workers();
		if (!worker) throw new Error("the page has no worker");
		await worker.evaluate(await scriptOf("in-worker.ts"));
		return worker;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#open[Symbol.asyncDispose]();
	}
}

const scripts = new Map<string, Promise<string>>();

/** What `in-page.ts` adds to a page. */
export function inPageScript(): Promise<string> {
	return scriptOf("in-page.ts");
}

function scriptOf(file: string): Promise<string> {
	const script =
		scripts.get(file) ??
		Bun.build({ entrypoints: [join(import.meta.dir, file)], target: "browser", format: "iife" }).then(
			({ outputs }) => outputs[0]!.text(),
		);
	scripts.set(file, script);
	return script;
}
