// Viewers of one run, in a process of their own. Argument: a Plan as JSON. Prints what each received, as it comes.
import { localNow } from "#shared/clock.ts";
import type { Codec } from "#shared/frame.ts";
import { qualityId } from "#shared/ladder.ts";
import { Downlink } from "../../../viewer/downlink.ts";
import { WireClient } from "../../support/wire-client.ts";
import { LoopLag } from "./loop-lag.ts";
import type { Shown } from "./metrics.ts";
import { isOwn, type Own, type Policy, REPLY_MS, ReroRule, type Rival } from "./policies.ts";

const DECODE_MS = 6; // as long as a 720p JPEG takes a browser; the same for every policy
const REPORT_MS = 1_000;
const REPORT_FRAMES = 60; // a line of output stays short
const REDIAL_MS = 300;
const CODECS: Record<Own, Codec[]> = { ours: ["jpeg"], "ours-h264": ["jpeg", "h264"] };

/** What a process of viewers is told. */
export interface Plan {
	policy: Policy;
	camera: string;
	viewers: {
		/** Of the server or of the link to it, with http: and no path. */
		url: string;
		/** null: the relay decides; only `ours` can be told. */
		rendition: number | null;
		/** Comes this long after the first. */
		afterMs: number;
	}[];
}

/** What it prints: `received VIEWER [[showTime, captureTime, rendition, bytes], ...]` and `lag [ms, ...]`. */
export type Received = [showTime: number, captureTime: number, rendition: number, bytes: number];

type Take = (frame: Shown) => void;

const plan = JSON.parse(process.argv[2]!) as Plan;
const lag = new LoopLag();
const received: Received[][] = plan.viewers.map(() => []);
for (const [i, { url, rendition, afterMs }] of plan.viewers.entries()) {
	const take: Take = ({ showTime, captureTime, rendition, bytes }) => {
		received[i]!.push([rounded(showTime), rounded(captureTime), rendition, bytes]);
		if (received[i]!.length >= REPORT_FRAMES) tell(i);
	};
	setTimeout(() => {
		if (isOwn(plan.policy)) watchOurs(url, { rendition, codecs: CODECS[plan.policy] }, take);
		else if (plan.policy === "rero") watchRero(url, take);
		else watchRival(url, plan.policy, take);
	}, afterMs);
}
setInterval(() => {
	for (const i of received.keys()) tell(i);
	console.log(`lag ${JSON.stringify(lag.take().map(rounded))}`);
}, REPORT_MS);

function tell(viewer: number): void {
	const frames = received[viewer]!.splice(0);
	if (frames.length > 0) console.log(`received ${viewer} ${JSON.stringify(frames)}`);
}

function watchOurs(
	url: string,
	{ rendition, codecs }: { rendition: number | null; codecs: Codec[] },
	take: Take,
): void {
	const downlink = new Downlink({
		link: (link) => {
			if (link.is === "waiting") console.log(`lost ${link.ending.code} ${link.ending.reason}`);
		},
		cameras: () => {},
		choice: ({ rateBps }) => {
			if (rateBps !== null && rateBps >= 1) downlink.remember(rateBps); // as the page does, for the next connection
		},
		frame: ({ header, receiveTime }) => take(shownOf(header, receiveTime)),
	});
	const camera = {
		id: plan.camera,
		rendition,
		maxLines: null,
		maxFramesPerSecond: null,
		isFocused: true,
		codecs: null,
	};
	downlink.watch({ mode: "balanced", codecs, cameras: [camera] });
	void downlink.run(`${url.replace("http", "ws")}/watch`, new AbortController().signal);
}

function watchRival(url: string, policy: Rival, take: Take): void {
	const client = new WireClient(`${url}/${policy}/0`, {
		greets: false,
		onFrame: ({ header, receiveTime }) => take(shownOf(header, receiveTime)),
	});
	client.socket.addEventListener("close", ({ code, reason }) => {
		console.log(`lost ${code} ${reason}`);
		setTimeout(() => watchRival(url, policy, take), REDIAL_MS);
	});
}

/** A new connection for each change of quality, as its viewer does; the old one may take 2 s to say goodbye. */
function watchRero(url: string, take: Take): void {
	const rule = new ReroRule();
	let quality = 95;
	let current = connect();
	setInterval(() => {
		const next = rule.decide(localNow(), quality);
		if (next === null) return;
		quality = next;
		const old = current.socket as Bun.WebSocket;
		old.close();
		setTimeout(() => old.terminate(), REPLY_MS);
		current = connect();
	}, 1_000);

	function connect(): WireClient {
		const client: WireClient = new WireClient(`${url}/rero/${qualityId(quality)}`, {
			greets: false,
			acks: false,
			onFrame: ({ header, receiveTime }) => {
				if (client !== current) return;
				rule.received(receiveTime);
				take(shownOf(header, receiveTime));
			},
		});
		client.socket.addEventListener("open", () => {
			if (client === current) rule.opened(localNow());
		});
		return client;
	}
}

function shownOf(
	header: { captureTime: number; rendition: number; bodyBytes: number },
	receiveTime: number,
): Shown {
	const { captureTime, rendition, bodyBytes } = header;
	return { showTime: receiveTime + DECODE_MS, captureTime, rendition, bytes: bodyBytes };
}

function rounded(value: number): number {
	return Math.round(value * 10) / 10;
}
