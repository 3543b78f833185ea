// Relays that replace each other under many watching viewers and a stream of new ones: the longest gap anybody saw.
import { join } from "node:path";
import { Crowd } from "../support/crowd.ts";
import { stablePort } from "../support/ports.ts";
import { Running, startAgent, startRelay } from "../support/processes.ts";
import { numberOption, percentile, report, rounded } from "./report.ts";

const viewers = numberOption("viewers", 1_000);
const restarts = numberOption("restarts", 10);
const framesPerSecond = numberOption("fps", 10);
const CALM_MS = 1_000;

const port = stablePort();
const env = { REUSE_PORT: "1" };
let relay = await startRelay({ port, env });
await using _agent = startAgent({
	relayUrl: relay.url,
	camera: `test:?size=320x180&fps=${framesPerSecond}`,
	env: { CAMERA_NAME: "Bench" },
});
await using crowd = new Crowd({ url: relay.url, count: viewers, camera: "bench", joinMs: 2_000 });
await crowd.all(({ frames }) => frames > 0, "to have a picture", 60_000);
const calm = await gaps(() => Bun.sleep(5_000));
const command = ["bun", join(import.meta.dir, "newcomers.ts"), relay.url];
await using newcomers = new Running({ name: "newcomers", command });
await newcomers.waitForLine(/welcomed/);

const rows = [];
for (let restart = 1; restart <= restarts; restart++) {
	let tookMs = 0;
	const gap = await gaps(async () => {
		const old = relay;
		relay = await startRelay({ port, env });
		const startTime = performance.now();
		old.kill("SIGTERM");
		await old.exited;
		tookMs = performance.now() - startTime;
		await Bun.sleep(CALM_MS);
	});
	rows.push({ restart, handOverMs: rounded(tookMs, 0), ...gap });
}
const spectators = await crowd.report();
const seen = newcomers.lineCount;
const last = JSON.parse(await newcomers.waitForLine(/welcomed/, 5_000, seen)) as object;
report(rows, {
	bench: "rolling",
	viewers,
	framesPerSecond,
	undisturbed: calm,
	restarts: rows,
	live: spectators.filter(({ link }) => link === "live").length,
	newcomers: last,
});
await relay[Symbol.asyncDispose]();
process.exit(0);

/** The longest time without a frame, over all viewers, ms. */
async function gaps(run: () => Promise<unknown>) {
	await crowd.mark();
	await run();
	const longest = (await crowd.report()).map(({ longestGapMs }) => longestGapMs);
	return { gapP50: rounded(percentile(longest, 0.5), 0), gapMax: rounded(Math.max(...longest), 0) };
}
