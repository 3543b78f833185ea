import { join } from "node:path";
import type { Browser, Page } from "playwright-core";
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

	/** See in-page.ts. */
	async sightings(camera: string, count: number) {
		return await this.page.evaluate(([id, n]) => sightings(id, n), [camera, count] as const);
	}

	/** The low 32 bits of the clock in the picture, or null. */
	async pictureClock(camera: string): Promise<number | null> {
		return await this.page.evaluate((id) => pictureClock(id), camera);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#open[Symbol.asyncDispose]();
	}
}

let script: Promise<string> | undefined;

function inPageScript(): Promise<string> {
	script ??= (async () => {
		const built = await Bun.build({
			entrypoints: [join(import.meta.dir, "in-page.ts")],
			target: "browser",
			format: "iife",
		});
		return await built.outputs[0]!.text();
	})();
	return script;
}
