import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { ToAgentMessage } from "#shared/protocol.ts";
import { AgentDemand } from "../../relay/delivery/agent-demand.ts";
import { CameraDemand } from "../../relay/delivery/demand.ts";
import { KeyRequests } from "../../relay/delivery/key-requests.ts";

const cameraNamed = (id: string) => ({ id, demand: new CameraDemand(), keys: new KeyRequests() });
const keyOf = (rendition: number, camera = "a") => ({ type: "key", camera, rendition }) as const;

describe("KeyRequests", () => {
	test("one for all who want it, and none once it came", () => {
		const keys = new KeyRequests();
		for (let i = 0; i < 5; i++) keys.want(204);
		expect(keys.take(0)).toEqual([204]);
		expect(keys.take(0)).toEqual([]);
		keys.want(204);
		keys.arrived(204);
		expect(keys.take(5_000)).toEqual([]);
	});

	test("whoever wants one too soon after the last gets it when half a second is over", () => {
		const keys = new KeyRequests();
		keys.want(204);
		keys.take(0);
		keys.arrived(204);
		keys.want(204);
		keys.want(203);
		expect(keys.take(100)).toEqual([203]);
		expect(keys.take(499)).toEqual([]);
		expect(keys.take(500)).toEqual([204]);
	});

	test("whatever is wanted when: never two of a rendition within 500 ms, and nobody waits longer than that", () => {
		const step = fc.record({
			passed: fc.integer({ min: 0, max: 400 }),
			what: fc.constantFrom("want", "want", "arrived", "unasked"),
			rendition: fc.constantFrom(203, 204),
		});
		fc.assert(
			fc.property(fc.array(step, { maxLength: 100 }), (steps) => {
				const keys = new KeyRequests();
				const asked = new Map<number, number>();
				const waiting = new Map<number, number>();
				let now = 0;
				for (const { passed, what, rendition } of steps) {
					now += passed;
					if (what === "want") {
						keys.want(rendition);
						if (!waiting.has(rendition)) waiting.set(rendition, now);
					} else if (what === "arrived") {
						keys.arrived(rendition);
						waiting.delete(rendition);
					} else {
						keys.comesUnasked(rendition, now);
						asked.set(rendition, now);
						waiting.delete(rendition);
					}
					for (const one of keys.take(now)) {
						expect(now - (asked.get(one) ?? Number.NEGATIVE_INFINITY)).toBeGreaterThanOrEqual(500);
						asked.set(one, now);
						waiting.delete(one);
					}
					for (const [one, since] of waiting) {
						const last = asked.get(one) ?? Number.NEGATIVE_INFINITY;
						expect(now).toBeLessThan(Math.max(since, last + 500) + 1);
					}
				}
			}),
		);
	});
});

describe("AgentDemand", () => {
	test("the demand whole and once, again each second until it is confirmed", () => {
		const camera = cameraNamed("a");
		const agent = new AgentDemand();
		expect(agent.messages([camera], 0)).toEqual([{ type: "demand", version: 1, cameras: [] }]);
		camera.demand.add(3);
		const demand: ToAgentMessage = { type: "demand", version: 2, cameras: [{ id: "a", renditions: [3] }] };
		expect(agent.messages([camera], 10)).toEqual([demand]);
		expect(agent.messages([camera], 1_009)).toEqual([]);
		expect(agent.messages([camera], 1_010)).toEqual([demand]);
		agent.confirm(1);
		expect(agent.messages([camera], 2_010)).toEqual([demand]);
		agent.confirm(2);
		expect(agent.messages([camera], 9_000)).toEqual([]);
	});

	test("a rendition that is new in demand is not asked for a key, one that lingered is", () => {
		const camera = cameraNamed("a");
		const agent = new AgentDemand();
		camera.demand.add(204);
		camera.keys.want(204);
		expect(agent.messages([camera], 0).map(({ type }) => type)).toEqual(["demand"]);
		agent.confirm(1);
		camera.keys.arrived(204);
		camera.demand.remove(204, 1_000);
		agent.messages([camera], 1_000);
		camera.demand.add(204);
		camera.keys.want(204);
		expect(agent.messages([camera], 2_000)).toEqual([keyOf(204)]);
	});

	test("what is new in demand does not keep another's key waiting, and its demand is told first", () => {
		const cameras = [cameraNamed("a"), cameraNamed("b")];
		const agent = new AgentDemand();
		cameras[0]!.demand.add(204);
		agent.messages(cameras, 0);
		cameras[0]!.keys.want(204);
		cameras[1]!.demand.add(204);
		cameras[1]!.keys.want(204);
		expect(agent.messages(cameras, 600)).toMatchObject([{ type: "demand" }, keyOf(204)]);
	});

	test("no key of what nobody watches any more", () => {
		const camera = cameraNamed("a");
		const agent = new AgentDemand();
		camera.keys.want(204);
		expect(agent.messages([camera], 0).map(({ type }) => type)).toEqual(["demand"]);
	});

	test("an agent that begins anew gives its keys by itself", () => {
		const camera = cameraNamed("a");
		const agent = new AgentDemand();
		camera.demand.add(204);
		agent.messages([camera], 0);
		agent.reset();
		camera.keys.want(204);
		expect(agent.messages([camera], 1_000)).toMatchObject([{ type: "demand", version: 2 }]);
	});
});
