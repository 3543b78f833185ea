import type { Browser } from "playwright-core";
import { inPageScript } from "../e2e/page.ts";
import { until } from "../support/until.ts";
import type { FilmFrame } from "./film.ts";
import { Visit } from "./page.ts";

/** A page in front of one camera, "bench", that can read the clock in its picture. */
export async function filmVisit(browser: Browser): Promise<Visit> {
	const visit = await Visit.of(browser, ["bench"]);
	await visit.page.addInitScript({ content: await inPageScript() });
	return visit;
}

/** The clock of the picture on screen, or null. */
export async function clockOf(visit: Visit): Promise<number | null> {
	return await visit.page.evaluate(() => pictureClock("bench"));
}

/** Waits until this frame is on screen. */
export async function shows(visit: Visit, frame: FilmFrame): Promise<void> {
	await until(async () => (await clockOf(visit)) === frame.clock, {
		what: `the frame of ${frame.clock} ms`,
	});
}

/** Waits until the page has told that it decodes these. */
export async function asksFor(visit: Visit, ...codecs: string[]): Promise<void> {
	await visit.relay.heard(
		() => visit.relay.watches.at(-1)?.codecs.join() === codecs.join(),
		`${codecs} only`,
	);
}

/** Waits until the details say of the codec what matches. */
export async function saysOfCodec(visit: Visit, words: RegExp): Promise<void> {
	const output = visit.page.locator('[data-stat="codec"]');
	await until(async () => words.test((await output.textContent()) ?? ""), { what: `${words}` });
}

/** Makes the page do the Worker's work, so that scripts of the page can stand between it and the browser. */
export async function workOnThePage(visit: Visit): Promise<void> {
	await visit.page.addInitScript(() => {
		Reflect.deleteProperty(HTMLCanvasElement.prototype, "transferControlToOffscreen");
	});
}

/** The same frame with its picture damaged, so that no decoder makes anything of it. */
export function damaged(frame: FilmFrame): FilmFrame {
	return { ...frame, body: new Uint8Array(frame.body.length).fill(0xff) };
}
