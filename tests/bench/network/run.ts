import { fileURLToPath } from "node:url";
import { hashOf, newPublishKey } from "../../../relay/access/publish-keys.ts";
import { processTree, rssBytes } from "../../support/proc.ts";
import { Running, startAgent } from "../../support/processes.ts";
import { until } from "../../support/until.ts";
import type { Conditions, Link, Network } from "./link.ts";
import { LoopLag } from "./loop-lag.ts";
import type { Shown } from "./metrics.ts";
import { isOwn, type Policy } from "./policies.ts";
import type { Plan, Received } from "./viewers.ts";

const CAMERA = "bench";
const KEY = newPublishKey();
const LISTENING = /listening on (http:\S+)/;
const SAMPLE_MS = 1_000;

/** One run: who watches what over which links. */
export interface RunPlan {
	policy: Policy;
	/** A source of the agent. */
	source: string;
	seconds: number;
	/** `up`: the first link leads from the agent to the relay. */
	shaped: "down" | "up";
	links: Omit<Conditions, "targetPort" | "shaped">[];
	viewers: {
		/** Index of `links`; null: straight to the server. */
		link: number | null;
		/** null: the relay decides. */
		rendition: number | null;
		afterMs: number;
	}[];
}

/** What happened. */
export interface RunRecord {
	/** Of each viewer, in order of arrival. */
	received: Shown[][];
	/** When the links' traces began, `localNow`. */
	startTime: number;
	endTime: number;
	links: { utilisation: number; droppedPackets: number }[];
	/** Resident bytes of the relay and of the agent, once a second. */
	memory: { relay: number; agent: number }[];
	/** Connections that ended unasked. */
	lost: string[];
	/** Ms that the bench's own loops were late by, ascending. */
	lag: number[];
}

/** Starts relay, agent, rival and viewers anew, lets them run, ends them. */
export async function run(network: Network, plan: RunPlan): Promise<RunRecord> {
	await using relay = await startRelay(network.host);
	const lay = (conditions: (typeof plan.links)[number], targetUrl: string) =>
		network.lay({ ...conditions, shaped: plan.shaped, targetPort: Number(new URL(targetUrl).port) });
	const uplink = plan.shaped === "up" ? lay(plan.links[0]!, relay.url) : null;
	await using agent = startAgent({
		relayUrl: uplink ? urlOf(uplink) : relay.url,
		camera: plan.source,
		env: { CAMERA_NAME: CAMERA, RELAY_KEY: KEY },
	});
	await agent.waitForLine(/publishing/);
	await using rival = isOwn(plan.policy) ? null : await startRival(network.host, relay.url);
	const serverUrl = rival?.url ?? relay.url;
	const links = uplink ? [uplink] : plan.links.map((conditions) => lay(conditions, serverUrl));
	const own = new LoopLag();
	const viewerPlan: Plan = {
		policy: plan.policy,
		camera: CAMERA,
		viewers: plan.viewers.map(({ link, ...viewer }) => ({
			...viewer,
			url: link === null ? serverUrl : urlOf(links[link]!),
		})),
	};
	await using viewers = startProcess("viewers", [
		import.meta.resolve("./viewers.ts"),
		JSON.stringify(viewerPlan),
	]);
	const startTime = await until(() => links[0]?.startTime ?? null, {
		what: "the first viewer",
		intervalMs: 5,
	});
	own.take();
	const record: RunRecord = {
		received: plan.viewers.map(() => []),
		startTime,
		endTime: startTime + plan.seconds * 1_000,
		links: [],
		memory: [],
		lost: [],
		lag: [],
	};
	const reader = new Reader(viewers, record);
	for (let now = 0; now < plan.seconds * 1_000; now += SAMPLE_MS) {
		await Bun.sleep(SAMPLE_MS);
		reader.read();
		record.memory.push({ relay: rssOf(relay), agent: rssOf(agent) });
	}
	record.links = links.map((link, i) => ({
		utilisation: link.servedBytes / plan.links[i]!.trace.bytesUntil(plan.seconds * 1_000),
		droppedPackets: link.droppedPackets,
	}));
	await Bun.sleep(2 * SAMPLE_MS); // the last frames are still to be reported
	reader.read();
	record.lag = [...record.lag, ...own.take()].sort((a, b) => a - b);
	return record;
}

/** Reads what the viewers print. */
class Reader {
	readonly #viewers: Running;
	readonly #record: RunRecord;
	#seen = 0;

	constructor(viewers: Running, record: RunRecord) {
		this.#viewers = viewers;
		this.#record = record;
	}

	read(): void {
		const { lines, lineCount } = this.#viewers;
		for (const line of lines.slice(Math.max(0, this.#seen - lineCount + lines.length))) this.#take(line);
		this.#seen = lineCount;
	}

	#take(line: string): void {
		const [, kind, rest = ""] = /^(\w+) (.*)$/.exec(line) ?? [];
		if (kind === "received") {
			const [viewer = "", json = ""] = rest.split(/ (.*)/);
			const frames = (JSON.parse(json) as Received[]).map(([showTime, captureTime, rendition, bytes]) => ({
				showTime,
				captureTime,
				rendition,
				bytes,
			}));
			this.#record.received[Number(viewer)]!.push(...frames);
		} else if (kind === "lag") this.#record.lag.push(...(JSON.parse(rest) as number[]));
		else if (kind === "lost") {
			this.#record.lost.push(rest);
			console.error(`a viewer's connection was lost: ${rest}`);
		} else console.error(`viewers: ${line}`);
	}
}

async function startRelay(host: string): Promise<Running & { url: string }> {
	// An address of its own links, which is not this machine's loopback: the relay wants to be told who may.
	const env = { HOST: host, PORT: "0", PUBLISH_KEYS: `${CAMERA}:${hashOf(KEY)}`, VIEWERS: "public" };
	return await withUrl(new Running({ name: "relay", command: ["bun", "relay/main.ts"], env }));
}

async function startRival(host: string, relayUrl: string): Promise<Running & { url: string }> {
	return await withUrl(
		startProcess("rival", [import.meta.resolve("./rival-server.ts"), relayUrl, CAMERA, host]),
	);
}

function startProcess(name: string, [url = "", ...args]: string[]): Running {
	return new Running({ name, command: ["bun", fileURLToPath(url), ...args] });
}

async function withUrl(running: Running): Promise<Running & { url: string }> {
	const line = await running.waitForLine(LISTENING);
	return Object.assign(running, { url: LISTENING.exec(line)![1]! });
}

function urlOf({ host, port }: Link): string {
	return `http://${host}:${port}`;
}

function rssOf({ pid }: Running): number {
	return rssBytes(...processTree(pid));
}
