import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Running as Process, type Running, startRelay } from "../support/processes.ts";
import { until } from "../support/until.ts";
import { smallJpeg, WireAgent } from "../support/wire-agent.ts";
import { WireClient } from "../support/wire-client.ts";

let relay: Running & { url: string };
beforeAll(async () => {
	relay = await startRelay();
});
afterAll(() => relay[Symbol.asyncDispose]());

const get = (path: string, init?: RequestInit) => fetch(`${relay.url}${path}`, init);

describe("the page", () => {
	test("is served with no caching of the entry and a year for files named by their hash", async () => {
		const entry = await get("/");
		expect(entry.status).toBe(200);
		expect(entry.headers.get("cache-control")).toBe("no-cache");
		expect(entry.headers.get("content-type")).toContain("text/html");
		expect(entry.headers.get("content-security-policy")).toContain("default-src 'self'");
		const html = await entry.text();
		const assets = [...html.matchAll(/(?:src|href)="\.?\/?(assets\/[^"]+)"/g)].map(([, path]) => path!);
		expect(assets.length).toBeGreaterThan(0);
		for (const asset of assets) {
			const response = await get(`/${asset}`);
			expect(response.status).toBe(200);
			expect(response.headers.get("cache-control")).toContain("immutable");
			expect(response.headers.get("x-content-type-options")).toBe("nosniff");
		}
	});

	test("is not sent again when it is still the same", async () => {
		const tag = (await get("/")).headers.get("etag");
		expect(tag).toBeTruthy();
		expect((await get("/", { headers: { "If-None-Match": tag! } })).status).toBe(304);
	});

	test.each([
		"/assets/nothing.js",
		"/assets/../../package.json",
		"/..%2f..%2fpackage.json",
		"/%2e%2e/package.json",
		"/assets/%00",
		"/package.json",
		"/.env",
		"/api/nothing",
	])("%s is not found", async (path) => {
		const response = await get(path);
		expect(response.status).toBe(404);
		expect(await response.text()).not.toContain("sightline");
	});
});

describe("health", () => {
	test("alive at once, ready only while a camera is live, with the reason otherwise", async () => {
		await using own = await startRelay();
		const ready = async () => {
			const response = await fetch(`${own.url}/readyz`);
			return [response.status, ((await response.json()) as { reason: string }).reason] as const;
		};
		expect((await fetch(`${own.url}/healthz`)).status).toBe(200);
		expect(await ready()).toEqual([503, "no agent has published a camera"]);
		const agent = await new WireAgent(own.url, "bench").publish();
		await until(async () => (await ready())[0] === 200, { what: "readiness" });
		agent.close();
		await until(async () => (await ready())[0] === 503, { what: "the end of readiness" });
		expect((await ready())[1]).toBe("bench offline (agent-gone)");
	});
});

describe("/api/cameras", () => {
	test("tells id, name, state, source, ladder, demand and viewers", async () => {
		using agent = await new WireAgent(relay.url, "told").publish("i", "Told & sold");
		using viewer = new WireClient(`${relay.url}/watch`);
		await viewer.heard("welcome");
		viewer.watch({ told: 2 });
		await until(() => agent.demand?.renditions.length === 1, { what: "demand" });
		const [camera] = ((await (await get("/api/cameras")).json()) as { id: string }[]).filter(
			({ id }) => id === "told",
		);
		expect(camera).toMatchObject({
			name: "Told & sold",
			state: "live",
			reason: null,
			source: { width: 64, height: 48, framesPerSecond: 30 },
			demand: [2],
			viewers: 1,
		});
		expect(camera).toEqual(await (await get("/api/cameras/told")).json());
		expect((await get("/api/cameras/nobody")).status).toBe(404);
	});
});

describe("the process", () => {
	test("never shares a port silently", async () => {
		await using second = new Process({
			name: "second relay",
			command: ["bun", "relay/main.ts"],
			env: { PORT: new URL(relay.url).port },
		});
		expect(await second.exited).toBe(1);
		expect(second.lines.join("\n")).toContain(`PORT=${new URL(relay.url).port}`);
	});

	test.each([
		[{ PORT: "abc" }, "PORT=abc"],
		[{ PORT: "70000" }, "PORT=70000"],
		[{ LOG_FORMAT: "xml" }, "LOG_FORMAT=xml"],
	])("%o is refused by name", async (env, named) => {
		await using bad = new Process({ name: "relay", command: ["bun", "relay/main.ts"], env });
		expect(await bad.exited).toBe(2);
		expect(bad.lines).toHaveLength(1);
		expect(bad.lines[0]).toContain(named);
	});

	test("--help explains every setting", async () => {
		await using help = new Process({ name: "help", command: ["bun", "relay/main.ts", "--help"] });
		expect(await help.exited).toBe(0);
		for (const name of ["HOST", "PORT", "LOG_FORMAT"]) expect(help.lines.join("\n")).toContain(name);
	});

	test.each(["SIGTERM", "SIGINT"] as const)(
		"%s tells every peer to come back and ends with 0",
		async (signal) => {
			await using own = await startRelay();
			const agent = await new WireAgent(own.url, "bench").publish();
			const viewer = new WireClient(`${own.url}/watch`);
			await viewer.heard("welcome");
			viewer.watch({ bench: 0 });
			agent.sendFrame(await smallJpeg());
			await viewer.frame();
			own.kill(signal);
			expect(await agent.ended()).toMatchObject({ code: 1012 });
			expect(await viewer.ended()).toMatchObject({ code: 1012 });
			expect(await own.exited).toBe(0);
		},
	);
});
