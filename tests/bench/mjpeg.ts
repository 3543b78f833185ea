// How old pictures are behind one slow link: motion JPEG, which nobody acknowledges, beside a page's WebSocket. Same
// camera, same rendition, one after the other; what the kernel keeps back shows as age.
import { partsOf } from "../support/multipart-reader.ts";
import { startAgent, startRelay } from "../support/processes.ts";
import { SlowLink } from "../support/slow-link.ts";
import { until } from "../support/until.ts";
import { WireClient } from "../support/wire-client.ts";
import { numberOption, percentile, report, rounded } from "./report.ts";

const kilobitsPerSecond = numberOption("kbps", 2_000);
const seconds = numberOption("seconds", 20);
const rendition = 3; // 360p q60 of the ladder
const DELAY_MS = 10;

await using relay = await startRelay();
await using _agent = startAgent({ relayUrl: relay.url, camera: "test:?size=1280x720&fps=30" });
await until(async () => (await fetch(`${relay.url}/readyz`)).ok, { what: "the camera", timeoutMs: 15_000 });
await using link = new SlowLink({
	targetPort: Number(new URL(relay.url).port),
	downBps: (kilobitsPerSecond * 1_000) / 8,
	delayMs: DELAY_MS,
});
const behind = `http://127.0.0.1:${link.port}`;

/** Ages on arrival in the second half of the run: the first half fills what fills. */
function settled(name: string, ages: readonly number[]) {
	const late = ages.slice(Math.floor(ages.length / 2));
	return {
		name,
		framesPerSecond: rounded(ages.length / seconds),
		ageP50Ms: rounded(percentile(late, 0.5), 0),
		ageP95Ms: rounded(percentile(late, 0.95), 0),
	};
}

async function motionJpeg(): Promise<number[]> {
	const ages: number[] = [];
	const leaving = new AbortController();
	const response = await fetch(`${behind}/cameras/test-card/stream.mjpg?height=360`, {
		signal: leaving.signal,
	});
	const endTime = performance.now() + seconds * 1_000;
	for await (const { headers } of partsOf(response)) {
		ages.push(Date.now() - Number(headers["x-timestamp"]) * 1_000);
		if (performance.now() > endTime) break;
	}
	leaving.abort();
	return ages;
}

async function page(): Promise<number[]> {
	const ages: number[] = [];
	using client = new WireClient(`${behind}/watch`, {
		onFrame: ({ header, receiveTime }) => ages.push(receiveTime - header.captureTime),
	});
	await client.heard("welcome");
	client.watch({ "test-card": rendition });
	await Bun.sleep(seconds * 1_000);
	return ages;
}

const rows = [settled("motion JPEG", await motionJpeg()), settled("WebSocket", await page())];
report(rows, { bench: "mjpeg", kilobitsPerSecond, seconds, rows });
