import { existsSync } from "node:fs";
import { resolve } from "node:path";
import type { Browser } from "playwright-core";
import { launchChromium, type OpenPage, openPage, type View } from "../support/chromium.ts";
import { cameraStatus, FakeRelay, type SentPicture } from "./fake-relay.ts";

const PAGE = resolve(import.meta.dir, "../../viewer/dist/index.html");
export const OUT = resolve(import.meta.dir, "../out");

/** A browser for pages that must have been built before. */
export async function launch(): Promise<Browser> {
	if (!existsSync(PAGE)) throw new Error("viewer/dist is missing: run `bun --bun run build`");
	return await launchChromium();
}

/** A page in front of a relay that does what the test says. */
export class Visit implements AsyncDisposable {
	readonly relay: FakeRelay;
	readonly opened: OpenPage;

	constructor(relay: FakeRelay, opened: OpenPage) {
		this.relay = relay;
		this.opened = opened;
	}

	get page() {
		return this.opened.page;
	}

	/** Errors of the page and refusals of its policy; what a browser says about an unreachable relay is no error. */
	get problems(): string[] {
		return this.opened.problems.filter((problem) => !/WebSocket connection to|ERR_CONNECTION/.test(problem));
	}

	/** Opens the page once the relay has one camera for each id. */
	static async of(browser: Browser, ids: string[], view: View = {}): Promise<Visit> {
		const relay = new FakeRelay();
		relay.cameras = ids.map((id, i) => cameraStatus(id, i + 1));
		return new Visit(relay, await openPage(browser, { colorScheme: "dark", ...view }));
	}

	/** Goes to the page and waits until the relay knows what it wants. */
	async go(path = ""): Promise<void> {
		const { hellos } = this.relay; // a page that goes says a last list of its own
		await this.page.goto(this.relay.url + path);
		await this.relay.heard(() => this.relay.hellos > hellos && this.relay.newestLists > 0, "a watch list");
	}

	/** Sends a picture and waits until it is painted. */
	async show(camera: string, picture: SentPicture): Promise<void> {
		const before = await this.data(camera, "frames");
		if (this.relay.send(camera, picture) === 0) throw new Error(`nobody watches ${camera}`);
		await this.reaches(camera, "frames", String(Number(before) + 1));
	}

	/** Waits for a tile's data attribute to have a value. */
	async reaches(camera: string, name: string, value: string): Promise<void> {
		await this.page
			.locator(`[data-camera="${camera}"][data-${name}="${value}"]`)
			.waitFor({ state: "attached" });
	}

	async data(camera: string, name: string): Promise<string | null> {
		return await this.page.locator(`[data-camera="${camera}"]`).getAttribute(`data-${name}`);
	}

	/** The colour in the middle of a camera's canvas, as three numbers. */
	async middle(camera: string): Promise<number[]> {
		return await this.page.locator(`[data-camera="${camera}"] canvas`).evaluate((canvas) => {
			const copy = document.createElement("canvas");
			copy.width = copy.height = 1;
			const context = copy.getContext("2d")!;
			context.drawImage(canvas as HTMLCanvasElement, 0, 0, 1, 1);
			return [...context.getImageData(0, 0, 1, 1).data.slice(0, 3)];
		});
	}

	/** Plays each camera's pictures in turn, 25 a second; the map may change meanwhile. `using` ends it. */
	play(pictures: ReadonlyMap<string, readonly SentPicture[]>): Disposable {
		let step = 0;
		const timer = setInterval(() => {
			step++;
			for (const [camera, all] of pictures)
				if (this.relay.cameras.some(({ id }) => id === camera))
					this.relay.send(camera, all[step % all.length]!);
		}, 40);
		return { [Symbol.dispose]: () => clearInterval(timer) };
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.opened[Symbol.asyncDispose]();
		await this.relay.stop();
	}
}
