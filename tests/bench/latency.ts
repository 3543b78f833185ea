// Camera frame available to drawn in Chromium. The test card draws the instant into its picture. `seen`: a script of
// the page reads it back at the first animation frame that shows it, which is up to one display frame after `drawn`,
// the age the page itself says (median of half a second, taken when it draws).

import { ViewerPage } from "../e2e/page.ts";
import { launchChromium } from "../support/chromium.ts";
import { startAgent, startRelay } from "../support/processes.ts";
import { numberOption, percentile, report, rounded } from "./report.ts";

const frames = numberOption("frames", 900);
const framesPerSecond = numberOption("fps", 30);
const rendition = numberOption("rendition", 6);
const WARM_FRAMES = 90;

await using relay = await startRelay();
await using _agent = startAgent({
	relayUrl: relay.url,
	camera: `test:?size=1280x720&fps=${framesPerSecond}`,
	env: { CAMERA_NAME: "Bench" },
});
await using browser = await launchChromium();
await using page = await ViewerPage.open(browser, relay.url);
await page.page.evaluate((id) => localStorage.setItem("sightline.rendition.bench", `${id}`), rendition);
await page.reaches("bench", "live");
await page.paints("bench", WARM_FRAMES);

const painted = async () => Number(await page.tile("bench", "frames"));
const before = await painted();
const startTime = performance.now();
const seen = await page.sightings("bench", frames);
const seconds = (performance.now() - startTime) / 1000;
const ages = seen.map(({ ageMs }) => ageMs);
const said = seen.flatMap(({ saidMs }) => (saidMs === null ? [] : [saidMs]));
const figures = {
	bench: "latency",
	frames: ages.length,
	paintedPerSecond: rounded(((await painted()) - before) / seconds),
	rendition: Number(await page.tile("bench", "rendition")),
	drawnP50: rounded(percentile(said, 0.5)),
	seenP50: rounded(percentile(ages, 0.5)),
	seenP95: rounded(percentile(ages, 0.95)),
	seenP99: rounded(percentile(ages, 0.99)),
};
report([figures], figures);
