import { expect, spyOn, test } from "bun:test";
import { renditionsFor } from "#shared/ladder.ts";
import { Hub } from "../../relay/hub.ts";
import { Publisher } from "../../relay/publisher.ts";
import { Viewer } from "../../relay/viewer.ts";
import { quietSocket } from "../support/quiet-socket.ts";

const SIZE = { width: 1280, height: 720 };
const RIGHTS = { visitor: { sees: () => true, seesAll: true }, viewersPerCamera: 1_000 };

/** A relay in this process whose clock stands still until it is set. */
class StillRelay {
	now = 1_000_000;
	readonly hub = new Hub(() => this.now);

	agent(instance: string, ids: readonly string[]): Publisher {
		const agent = new Publisher(quietSocket(), this.hub);
		say(agent, { type: "hello", protocol: 1, software: "x" });
		say(agent, { type: "publish", instance, cameras: ids.map((id) => ({ id, name: id })) });
		for (const id of ids) this.tell(agent, id, null);
		return agent;
	}

	tell(agent: Publisher, id: string, detail: string | null): void {
		const source = { ...SIZE, framesPerSecond: 30 };
		const state = { id, state: "live", reason: null, detail, source, renditions: renditionsFor(SIZE) };
		say(agent, { type: "camera", ...state });
	}

	viewer(): { viewer: Viewer; texts: string[] } {
		const socket = quietSocket();
		const viewer = new Viewer(socket, this.hub, RIGHTS);
		say(viewer, { type: "hello", protocol: 1, software: "x" });
		return { viewer, texts: socket.texts };
	}
}

function say(peer: Viewer | Publisher, message: object): void {
	peer.text(JSON.stringify(message));
}

function watch(ids: readonly string[], maxLines: number): object {
	const settings = { rendition: null, maxLines, maxFramesPerSecond: null, isFocused: false };
	const cameras = ids.map((id) => ({ id, ...settings }));
	return { type: "watch", mode: "balanced", codecs: ["jpeg", "h264"], rememberedBps: 50_000_000, cameras };
}

test.each([8, 64])("a list of %d cameras makes each of their agents share its uplink once", (count) => {
	const relay = new StillRelay();
	const ids = Array.from({ length: count }, (_, i) => `camera-${i}`);
	const agents = [relay.agent("a", ids.slice(0, count / 2)), relay.agent("b", ids.slice(count / 2))];
	const shares = agents.map((agent) => spyOn(agent, "shareUplink"));
	const counts = () => shares.map(({ mock }) => mock.calls.length);
	const { viewer } = relay.viewer();
	for (const [i, list] of [watch(ids, 720), watch(ids, 180), watch([], 180), watch(ids, 360)].entries()) {
		say(viewer, list);
		expect(counts()).toEqual([i + 1, i + 1]);
	}
	expect(viewer.downlink.subscribers.map(({ choice }) => choice !== null)).toEqual(ids.map(() => true));
	viewer.closed();
	expect(counts()).toEqual([5, 5]);
});

test("however often an agent speaks of its camera, viewers are told at once and then ten times a second, the last word too", async () => {
	const relay = new StillRelay();
	const agent = relay.agent("a", ["c"]);
	await Promise.resolve();
	relay.now += 1_000;
	const { texts } = relay.viewer();
	const details = () =>
		texts
			.map((text) => JSON.parse(text))
			.flatMap(({ type, cameras }) => (type === "cameras" ? cameras[0].detail : []));
	texts.length = 0;
	relay.tell(agent, "c", "first");
	await Promise.resolve();
	expect(details()).toEqual(["first"]);
	for (let i = 1; i <= 1_000; i++) {
		relay.now++;
		relay.tell(agent, "c", `word ${i}`);
		if (i % 50 === 0) relay.hub.tick();
		await Promise.resolve();
	}
	expect(details().length).toBeLessThanOrEqual(11);
	relay.now += 100;
	relay.hub.tick();
	await Promise.resolve();
	expect(details().at(-1)).toBe("word 1000");
});

test("leaving and coming back asks for no more keys of what others watch", () => {
	const relay = new StillRelay();
	const agent = relay.agent("a", ["c"]);
	const [camera] = agent.cameras;
	const first = relay.viewer().viewer;
	say(first, watch(["c"], 180));
	const { viewer } = relay.viewer();
	const askKey = spyOn(camera!, "askKey");
	for (let round = 0; round < 3; round++) {
		say(viewer, watch(["c"], 180));
		expect(viewer.downlink.subscribers).toHaveLength(1);
		say(viewer, watch([], 180));
		relay.now += 600;
	}
	expect(askKey).toHaveBeenCalledTimes(1);
	relay.now += 2_000;
	say(viewer, watch(["c"], 180));
	expect(askKey).toHaveBeenCalledTimes(2);
});
