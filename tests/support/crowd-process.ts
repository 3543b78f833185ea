// Many viewers in one process: the page's own connections, without decoding. Started by crowd.ts, told by messages.
import { Downlink } from "../../viewer/downlink.ts";
import type { CrowdLaunch, CrowdOrder, Spectator } from "./crowd.ts";

console.info = () => {}; // it says what a relay refuses, for the browser's console
const { url, count, camera, rendition, joinMs }: CrowdLaunch = JSON.parse(process.argv[2] ?? "{}");
const FRESH_MS = 1_000;
const AGES_KEPT = 200_000;

/** One viewer and what it saw since the last mark. */
class Member {
	seen: Spectator = blank();
	ages: number[] = [];
	#isListed = false;
	#lastTime: number | null = null;
	#newest: { epoch: number; seq: number; captureTime: number } | null = null;
	readonly #downlink = new Downlink({
		link: (link) => {
			this.seen.link = link.is;
			if (link.is === "waiting") this.seen.firstFrameTime = null; // the first one after it counts
			if (link.is === "connecting") this.seen.dials.push(now());
		},
		cameras: (cameras) => {
			this.seen.cameraState = cameras.find(({ id }) => id === camera)?.state ?? null;
			const isListed = this.seen.cameraState !== null;
			if (isListed !== this.#isListed) this.#watch(isListed); // like the page, which shows what the relay lists
			this.#isListed = isListed;
		},
		choice: () => {},
		frame: ({ header, receiveTime }) => {
			const time = now();
			const { clock } = this.#downlink;
			const ageMs = clock?.isKnown ? clock.toRelay(receiveTime) - header.captureTime : Number.NaN;
			if (ageMs < FRESH_MS) this.seen.ages.fresh++;
			else if (ageMs >= FRESH_MS) this.seen.ages.stale++;
			if (clock?.isKnown && this.ages.length < AGES_KEPT / count) this.ages.push(ageMs);
			if (this.#lastTime !== null)
				this.seen.longestGapMs = Math.max(this.seen.longestGapMs, time - this.#lastTime);
			this.#lastTime = time;
			this.seen.firstFrameTime ??= time;
			this.seen.frames++;
			const { epoch, seq, captureTime } = header;
			const last = this.#newest;
			// As the page judges it: over another connection the first frame may be one it already has.
			if (last && (epoch < last.epoch || (epoch === last.epoch && seq < last.seq))) this.seen.older++;
			else this.#newest = { epoch, seq, captureTime };
		},
	});

	#watch(isListed: boolean): void {
		const watched = {
			id: camera,
			rendition,
			maxLines: null,
			maxFramesPerSecond: null,
			isFocused: false,
			codecs: null,
		};
		this.#downlink.watch({ mode: "balanced", codecs: ["jpeg"], cameras: isListed ? [watched] : [] });
	}

	run(): void {
		void this.#downlink.run(`${url.replace(/^http/, "ws")}/watch`, new AbortController().signal);
	}

	mark(): void {
		const { link, cameraState } = this.seen;
		this.seen = { ...blank(), link, cameraState };
		this.ages = [];
	}

	/** As it is now; a gap that still lasts counts. */
	get report(): Spectator {
		const gapMs = this.#lastTime === null ? 0 : now() - this.#lastTime;
		return { ...this.seen, longestGapMs: Math.max(this.seen.longestGapMs, gapMs) };
	}
}

const members = Array.from({ length: count }, () => new Member());
process.on("message", (order: CrowdOrder) => {
	if (order === "mark") for (const member of members) member.mark();
	process.send?.({
		order,
		spectators: members.map(({ report }) => report),
		ages: order === "report" ? members.flatMap(({ ages }) => ages) : [],
	});
});
process.on("disconnect", () => process.exit(0));
for (const member of members) {
	member.run();
	if (joinMs > 0) await Bun.sleep(joinMs / count);
}
setInterval(() => {}, 60_000); // lives for as long as its parent listens

function now(): number {
	return performance.timeOrigin + performance.now();
}

function blank(): Spectator {
	return {
		link: "connecting",
		cameraState: null,
		dials: [],
		frames: 0,
		ages: { fresh: 0, stale: 0 },
		older: 0,
		firstFrameTime: null,
		longestGapMs: 0,
	};
}
