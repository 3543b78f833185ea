// The relay against the least a server can do: a bare Bun.serve loop that sends the same bytes as one message,
// unacknowledged. Both serve the same 300 subscribers in another process, in turn, several times over.
import { join } from "node:path";
import { cpuMs } from "../support/proc.ts";
import { listening, Running, startRelay } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { WireAgent } from "../support/wire-agent.ts";
import { numberOption, report, rounded } from "./report.ts";

const subscribers = numberOption("subscribers", 300);
const framesPerSecond = numberOption("fps", 30);
const seconds = numberOption("seconds", 5);
const rounds = numberOption("rounds", 3);
const BYTES = 40_000;

interface Figures {
	cpuUs: number;
	delivered: number;
	share: number;
}

const results: { relay: Figures; bare: Figures }[] = [];
for (let round = 0; round < rounds; round++)
	results.push({ bare: await measureBare(), relay: await measureRelay() });

const median = (values: number[]) => values.toSorted((a, b) => a - b)[values.length >> 1]!;
const ratio = median(results.map(({ relay, bare }) => relay.cpuUs / bare.cpuUs));
report(
	results.flatMap(({ relay, bare }, i) => [
		{ round: i + 1, server: "bare loop", "CPU us a frame": rounded(bare.cpuUs), delivered: bare.delivered },
		{ round: i + 1, server: "relay", "CPU us a frame": rounded(relay.cpuUs), delivered: relay.delivered },
	]),
	{
		bench: "fanout",
		subscribers,
		framesPerSecond,
		frameBytes: BYTES,
		relayUs: rounded(median(results.map(({ relay }) => relay.cpuUs))),
		bareUs: rounded(median(results.map(({ bare }) => bare.cpuUs))),
		deliveredShare: rounded(Math.min(...results.map(({ relay }) => relay.share)), 3),
		ratio: rounded(ratio, 2),
	},
);
console.error(`relay / bare loop: ${rounded(ratio, 2)}`);
process.exit(0);

async function measureRelay(): Promise<Figures> {
	await using relay = await startRelay();
	using agent = await new WireAgent(relay.url, "bench").publish();
	await using viewers = await startSubscribers(`${relay.url}/watch`, "acks");
	await until(() => agent.demand?.renditions.includes(0), { what: "demand", timeoutMs: 20_000 });
	const body = jpegOf(BYTES);
	return await measure(relay.pid, viewers, () => void agent.sendFrame(body));
}

async function measureBare(): Promise<Figures> {
	await using server = await listening(
		new Running({ name: "bare", command: ["bun", join(import.meta.dir, "bare-server.ts"), `${BYTES}`] }),
	);
	await using viewers = await startSubscribers(`${server.url}/watch`, "bare");
	const trigger = new WebSocket(`${server.url.replace("http", "ws")}/send`);
	await new Promise((resolve) => {
		trigger.onopen = resolve;
	});
	const figures = await measure(server.pid, viewers, () => trigger.send("send"));
	trigger.close();
	return figures;
}

async function measure(pid: number, viewers: Running, send: () => void): Promise<Figures> {
	const pace = async (frames: number) => {
		const startTime = performance.now();
		for (let i = 1; i <= frames; i++) {
			send();
			await Bun.sleep(Math.max(0, startTime + (i * 1000) / framesPerSecond - performance.now()));
		}
	};
	await pace(3 * framesPerSecond); // until the hot paths are compiled
	const before = { cpu: cpuMs(pid), count: await countOf(viewers) };
	const frames = framesPerSecond * seconds;
	await pace(frames);
	const delivered = (await countOf(viewers)) - before.count;
	const spentMs = cpuMs(pid) - before.cpu;
	return { cpuUs: (spentMs * 1000) / delivered, delivered, share: delivered / (frames * subscribers) };
}

async function startSubscribers(url: string, kind: "acks" | "bare"): Promise<Running> {
	const command = ["bun", join(import.meta.dir, "subscribers.ts"), url, `${subscribers}`, kind];
	const viewers = new Running({ name: "subscribers", command });
	await viewers.waitForLine(/^watching$/, 30_000);
	return viewers;
}

/** The count is printed ten times a second; the second line from now was printed after now. */
async function countOf(viewers: Running): Promise<number> {
	const seen = viewers.lineCount;
	await until(() => viewers.lineCount >= seen + 2, { what: "a count" });
	return Number(/received (\d+)/.exec(viewers.lines.at(-1)!)![1]);
}

/** The least JPEG of 64x48 as far as its header tells, filled up to `size`. */
function jpegOf(size: number): Uint8Array {
	const frameHeader = [0xff, 0xc0, 0, 11, 8, 0, 48, 0, 64, 1, 1, 0x11, 0];
	const bytes = new Uint8Array(size);
	bytes.set([0xff, 0xd8, ...frameHeader]);
	bytes.set([0xff, 0xd9], size - 2);
	return bytes;
}
