import { describe, expect, test } from "bun:test";
import { isAlive, processTree } from "../support/proc.ts";
import { Running, startAgent, startRelay } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { WireAgent } from "../support/wire-agent.ts";

const run = (args: string[], env = {}) =>
	new Running({ name: "agent", command: ["bun", "agent/main.ts", ...args], env });

describe("the command", () => {
	test("--help explains every setting and every kind of source", async () => {
		await using help = run(["--help"]);
		expect(await help.exited).toBe(0);
		const text = help.lines.join("\n");
		for (const word of [
			"RELAY_URL",
			"CAMERA",
			"CAMERAS_FILE",
			"ENCODER",
			"test:",
			"webcam:",
			"rtsp://",
			"--list",
		])
			expect(text).toContain(word);
	});

	test("--list prints the webcams or says that there is none", async () => {
		await using list = run(["--list"]);
		expect(await list.exited).toBe(0);
		expect(list.lines.join("\n")).toMatch(/No webcam found|CAMERA="webcam:/);
	});

	test("an option it does not have ends it with one line", async () => {
		await using bad = run(["--lst"]);
		expect(await bad.exited).toBe(1);
		expect(bad.lines.join("\n")).toContain("--lst");
	});

	test("a bad setting ends it with one line that names it, before anything is opened", async () => {
		await using bad = run([], { CAMERA: "gopher://x" });
		expect(await bad.exited).toBe(2);
		expect(bad.lines).toHaveLength(1);
		expect(bad.lines[0]).toContain("CAMERA: unknown source");
	});
});

describe("the process", () => {
	test("SIGTERM ends it and its worker with 0, and the relay hears a goodbye", async () => {
		await using relay = await startRelay();
		await using agent = startAgent({ relayUrl: relay.url, camera: "test:" });
		await agent.waitForLine(/publishing/);
		const tree = processTree(agent.pid);
		expect(tree.length).toBe(2);
		agent.kill("SIGTERM");
		expect(await agent.exited).toBe(0);
		expect(tree.filter(isAlive)).toEqual([]);
		await relay.waitForLine(/agent gone/);
	});

	test("a supervisor killed hard takes its worker along: nobody keeps the camera", async () => {
		await using relay = await startRelay();
		// Without the runtime's own guard, so that it is the product's that is tested.
		await using agent = startAgent({
			relayUrl: relay.url,
			camera: "test:",
			env: { BUN_FEATURE_FLAG_NO_ORPHANS: "" },
		});
		await agent.waitForLine(/publishing/);
		const worker = processTree(agent.pid).find((pid) => pid !== agent.pid)!;
		agent.kill("SIGKILL");
		await until(() => !isAlive(worker), { what: "the worker to end" });
	});

	test("a camera another agent publishes is named, and taken over once that one has gone", async () => {
		await using relay = await startRelay();
		const holder = await new WireAgent(relay.url, "test-card").publish("another");
		await using agent = startAgent({ relayUrl: relay.url, camera: "test:" });
		await agent.waitForLine(/another agent publishes camera 'test-card'/);
		expect(holder.closed).toBeNull();
		holder.close();
		await agent.waitForLine(/publishing/, 15_000);
	});

	test("no relay yet: one line says so, and it publishes once there is one", async () => {
		await using first = await startRelay();
		const port = Number(new URL(first.url).port);
		first.kill();
		await first.exited;
		await using agent = startAgent({ relayUrl: first.url, camera: "test:" });
		await agent.waitForLine(/relay not reached/);
		await using _again = await startRelay({ port });
		await agent.waitForLine(/publishing/);
		expect(agent.lines.filter((line) => /relay not reached/.test(line)).length).toBe(1);
	});
});
