// Camera frame available to drawn in Chromium. The test card draws the instant into its picture; the page's Worker
// reads it back when it draws (`drawn`), and a script of the page at the first animation frame that shows it (`seen`),
// which is up to one display frame later. With --codec h264 also: the largest distance of two pictures while the rung
// changes (`switchGap`), and from asking to the first picture (`join`: nobody else watches; `joinOther`: somebody does).

import type { Worker } from "playwright-core";
import { ViewerPage } from "../e2e/page.ts";
import { launchChromium } from "../support/chromium.ts";
import { setVisibility } from "../support/page-conditions.ts";
import { startAgent, startRelay } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { choiceOption, numberOption, percentile, report, rounded } from "./report.ts";

const codec = choiceOption("codec", ["jpeg", "h264"]);
const frames = numberOption("frames", 900);
const framesPerSecond = numberOption("fps", 30);
const rendition = numberOption("rendition", codec === "h264" ? 204 : 6);
const joins = numberOption("joins", 10);
const switches = numberOption("switches", 20);
const OTHER_RUNG = 202; // 540p
const WARM_FRAMES = 90;
const SWITCH_MS = 2_000;
const LINGER_MS = 3_000; // longer than the relay keeps a rendition in demand

await using relay = await startRelay();
await using _agent = startAgent({
	relayUrl: relay.url,
	camera: `test:?size=1280x720&fps=${framesPerSecond}`,
	env: { CAMERA_NAME: "Bench" },
});
await using browser = await launchChromium();
await using page = await openPinned();
const worker = await page.spy();
const draws = () => worker.evaluate(() => globalThis.draws);
const forget = () =>
	worker.evaluate(() => {
		globalThis.draws = [];
	});

const drawn = await measureDrawn();
const figures = {
	bench: "latency",
	codec,
	frames: drawn.length,
	rendition: Number(await page.tile("bench", "rendition")),
	...drawnFigures(drawn),
	...(await seenFigures()),
	...(codec === "h264" ? { ...(await switchFigures()), ...(await joinFigures()) } : {}),
};
report([figures], figures);

async function openPinned(): Promise<ViewerPage> {
	const opened = await ViewerPage.open(browser, relay.url);
	await opened.page.evaluate((id) => localStorage.setItem("sightline.rendition.bench", `${id}`), rendition);
	await opened.page.reload();
	await opened.reaches("bench", "live");
	await until(async () => Number(await opened.tile("bench", "rendition")) === rendition, {
		what: "the rung",
	});
	await opened.paints("bench", WARM_FRAMES);
	return opened;
}

async function measureDrawn() {
	await forget();
	await until(async () => (await draws()).length >= frames, {
		what: `${frames} pictures`,
		timeoutMs: (3 * frames * 1_000) / framesPerSecond,
		intervalMs: 500,
	});
	return (await draws()).slice(0, frames);
}

function drawnFigures(all: typeof drawn) {
	const ages = all.flatMap(({ ageMs }) => ageMs ?? []);
	const seconds = (all.at(-1)!.time - all[0]!.time) / 1_000;
	return {
		paintedPerSecond: rounded((all.length - 1) / seconds),
		drawnP50: rounded(percentile(ages, 0.5)),
		drawnP95: rounded(percentile(ages, 0.95)),
		drawnP99: rounded(percentile(ages, 0.99)),
	};
}

async function seenFigures() {
	const ages = (await page.sightings("bench", Math.min(frames, 300))).map(({ ageMs }) => ageMs);
	return {
		seenP50: rounded(percentile(ages, 0.5)),
		seenP95: rounded(percentile(ages, 0.95)),
		seenP99: rounded(percentile(ages, 0.99)),
	};
}

/** Distances of two pictures drawn one after the other around each change of the rung, ms. */
async function switchFigures() {
	const gaps: number[] = [];
	for (let i = 0; i < switches; i++) {
		const rung = i % 2 === 0 ? OTHER_RUNG : rendition;
		await forget();
		await page.choose(rung);
		await until(async () => Number(await page.tile("bench", "rendition")) === rung, { what: `rung ${rung}` });
		await Bun.sleep(SWITCH_MS);
		const all = await draws();
		const at = all.findIndex(({ lines }, j) => j > 0 && lines !== all[j - 1]!.lines);
		const around = all.slice(Math.max(0, at - 2), at + 3);
		gaps.push(Math.max(...around.slice(1).map(({ time }, j) => time - around[j]!.time)));
	}
	return { switchGapP50: rounded(percentile(gaps, 0.5)), switchGapMax: rounded(Math.max(...gaps)) };
}

async function joinFigures() {
	const alone = await joinTimes();
	await using _other = await openPinned();
	const beside = await joinTimes();
	return {
		joinP50: rounded(percentile(alone, 0.5)),
		joinMax: rounded(Math.max(...alone)),
		joinOtherP50: rounded(percentile(beside, 0.5)),
		joinOtherMax: rounded(Math.max(...beside)),
	};
}

/** From asking for the camera to its first picture, ms, each time the page is seen again. */
async function joinTimes(): Promise<number[]> {
	const times: number[] = [];
	for (let i = 0; i < joins; i++) {
		await setVisibility(page.page, "hidden");
		await Bun.sleep(LINGER_MS);
		await forget();
		await setVisibility(page.page, "visible");
		times.push(await firstPicture(worker));
	}
	return times;
}

async function firstPicture(inWorker: Worker): Promise<number> {
	return await until(
		async () => {
			const first = (await draws())[0];
			return first ? first.time - (await inWorker.evaluate(() => globalThis.askTime)) : null;
		},
		{ what: "a picture", timeoutMs: 10_000 },
	);
}
