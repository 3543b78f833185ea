import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { openAccess } from "../../../relay/access/open-access.ts";
import { OperatorApi } from "../../../relay/access/operator-api.ts";
import { Presence } from "../../../relay/access/presence.ts";
import { SessionApi } from "../../../relay/access/session-api.ts";
import { readConfig } from "../../../relay/config.ts";
import { Hub } from "../../../relay/hub.ts";
import { routes } from "../../../relay/server.ts";
import { LoopLag } from "../../../relay/tools/loop-lag.ts";
import { OPENAPI } from "../../../relay/tools/openapi.ts";
import { Upgrades } from "../../../relay/upgrades.ts";
import { PASSWORDS, startSecured } from "../../hostile/secured.ts";
import { type Running, startAgent, startRelay } from "../../support/processes.ts";
import { until } from "../../support/until.ts";

// What is no part of the API: the page, and WebSockets, which shared/PROTOCOL.md describes.
const NOT_DESCRIBED = ["/", "/publish", "/watch", "/websocket/{quality}"];

interface Parameter {
	name: string;
	in: string;
	example: string | number;
}
interface Operation {
	parameters?: Parameter[];
	responses: Record<string, { content?: Record<string, { schema?: object }> }>;
}

const described = Object.entries(
	OPENAPI.paths as unknown as Record<string, Record<string, Operation>>,
).flatMap(([path, methods]) => Object.entries(methods).map(([method, one]) => ({ path, method, one })));
// What anybody may read of a relay for this machine alone.
const operations = described
	.filter(({ path, method }) => method === "get" && !path.startsWith("/api/operator"))
	.map(({ path, one }) => ({ path, get: one }));
const ajv = new Ajv({ strict: false, allErrors: true });
addFormats.default(ajv);
const problemsOf = (schema: object, value: unknown) => {
	ajv.validate({ ...schema, components: OPENAPI.components }, value);
	return ajv.errors ?? [];
};

let relay: Running & { url: string };
let agent: Running;
beforeAll(async () => {
	relay = await startRelay();
	agent = startAgent({ relayUrl: relay.url, camera: "test:" });
	await until(async () => (await fetch(`${relay.url}/readyz`)).ok, { what: "the camera", timeoutMs: 15_000 });
}, 60_000);
afterAll(async () => {
	await agent[Symbol.asyncDispose]();
	await relay[Symbol.asyncDispose]();
});

/** The address of an operation with the examples of some of its parameters. */
function addressOf(path: string, parameters: readonly Parameter[]): string {
	const at = parameters
		.filter((one) => one.in === "path")
		.reduce((text, { name, example }) => text.replace(`{${name}}`, `${example}`), path);
	const query = parameters
		.filter((one) => one.in === "query")
		.map(({ name, example }) => `${name}=${example}`)
		.join("&");
	return `${relay.url}${at}${query && `?${query}`}`;
}

test("the description is valid OpenAPI 3.1", async () => {
	const served = (await (await fetch(`${relay.url}/openapi/json`)).json()) as object;
	expect(served).toEqual(JSON.parse(JSON.stringify(OPENAPI)));
	const validator = new Validator();
	expect(await validator.validate(structuredClone(served) as Record<string, unknown>)).toEqual({
		valid: true,
	} as never);
	expect(validator.version).toBe("3.1");
});

test("it describes every route there is, and none that is not", () => {
	const hub = new Hub();
	const config = readConfig({});
	const access = openAccess(config);
	const presence = new Presence(access, config.limits);
	presence.stop();
	const viewersPerCamera = 1;
	const upgrades = new Upgrades({ hub, access, presence, viewersPerCamera });
	const app = routes({
		tools: { hub, access, presence, upgrades, lag: new LoopLag(50), viewersPerCamera },
		hub,
		upgrades,
		session: new SessionApi(access, presence),
		operator: new OperatorApi({ access, presence, hub, publicOrigin: null }),
	});
	const there = app.routes
		.map(({ path, method }) => ({ path: path.replace(/:(\w+)/g, "{$1}"), method: method.toLowerCase() }))
		.filter(({ path }) => !NOT_DESCRIBED.includes(path));
	const namesOf = (list: { path: string; method: string }[]) =>
		list.map(({ path, method }) => `${method} ${path}`).toSorted();
	expect(namesOf(there)).toEqual(namesOf(described));
});

test("the page for people names every address and parameter too", async () => {
	const pages = ["docs/for-other-tools.md", "docs/host-publicly.md"];
	const page = (await Promise.all(pages.map((path) => Bun.file(path).text()))).join("");
	const readme = await Bun.file("README.md").text();
	for (const { path, one: get } of described) {
		const address = path.replace("{id}", "ID");
		expect([address, (page + readme).includes(`\`${address}\``)]).toEqual([address, true]);
		for (const { name } of (get.parameters ?? []).filter((one) => one.in === "query"))
			expect([name, page.includes(`\`${name}\``)]).toEqual([name, true]);
	}
});

describe("its examples, on a real relay", () => {
	const requests = operations.flatMap(({ path, get }) => {
		const parameters = get.parameters ?? [];
		const inPath = parameters.filter((one) => one.in === "path");
		const inQuery = parameters.filter((one) => one.in === "query");
		// None, each alone, all together.
		const sets = [[], ...inQuery.map((one) => [one]), ...(inQuery.length > 1 ? [inQuery] : [])];
		return sets.map((set) => ({
			path,
			get,
			parameters: [...inPath, ...set],
			with: set.map(({ name }) => name),
		}));
	});

	test.each(requests)("$path with $with", async ({ path, get, parameters }) => {
		const leaving = new AbortController();
		const response = await fetch(addressOf(path, parameters), { signal: leaving.signal });
		expect(response.status).toBe(200);
		const [type, { schema }] = Object.entries(get.responses[200]!.content!)[0]!;
		expect(response.headers.get("content-type")!.replace(/^(application\/json);.*/, "$1")).toBe(type);
		if (schema) expect(problemsOf(schema, await response.json())).toEqual([]);
		leaving.abort();
	});
});

describe("what goes wrong is answered as described", () => {
	const failing: [path: string, query: string, status: number][] = [
		["/api/cameras/nobody", "", 404],
		["/cameras/nobody/snapshot.jpg", "", 404],
		["/cameras/nobody/stream.mjpg", "", 404],
		["/cameras/test-card/snapshot.jpg", "?quality=1", 400],
		["/cameras/test-card/stream.mjpg", "?quality=1", 400],
	];
	test.each(failing)("%s%s is %d", async (path, query, status) => {
		const response = await fetch(`${relay.url}${path}${query}`);
		expect(response.status).toBe(status);
		const operation = operations.find((one) =>
			new RegExp(`^${one.path.replace("{id}", "[\\w-]+")}$`).test(path),
		)!;
		const { schema } = operation.get.responses[status]!.content!["application/json"]!;
		expect(problemsOf(schema!, await response.json())).toEqual([]);
	});

	test("no camera is live", async () => {
		await using empty = await startRelay();
		const response = await fetch(`${empty.url}/readyz`);
		expect(response.status).toBe(503);
		const ready = operations.find(({ path }) => path === "/readyz")!.get;
		const { schema } = ready.responses[503]!.content!["application/json"]!;
		expect(problemsOf(schema!, await response.json())).toEqual([]);
	});

	test("a state that fits no schema would be noticed", () => {
		const { get } = operations.find(({ path }) => path === "/api/cameras")!;
		const { schema } = get.responses[200]!.content!["application/json"]!;
		expect(problemsOf(schema!, [{ id: "x" }]).length).toBeGreaterThan(5);
	});
});

describe("on a relay that others reach", () => {
	test("coming in and operating answer as described", async () => {
		await using secured = await startSecured();
		const operator = await secured.signIn("operator");
		const link = { label: "x", cameras: ["shared"], lastsMs: 60_000 };
		const make = () => secured.send("/api/operator/links", { body: link, headers: operator });
		const { url, link: made } = (await (await make()).json()) as { url: string; link: { id: string } };
		const requests: [
			method: string,
			path: string,
			status: number,
			given: { id?: string; body?: unknown; headers?: object },
		][] = [
			["get", "/api/session", 200, {}],
			["get", "/api/session", 200, { headers: operator }],
			["post", "/api/session", 200, { body: { password: PASSWORDS.viewer } }],
			["post", "/api/session", 200, { body: { token: url.split("#t=")[1] } }],
			["post", "/api/session", 401, { body: { token: "x" } }],
			["post", "/api/session", 400, { body: {} }],
			["get", "/api/operator", 401, {}],
			["get", "/api/operator", 200, { headers: operator }],
			["post", "/api/operator/links", 201, { body: link, headers: operator }],
			["post", "/api/operator/links", 400, { body: { ...link, cameras: [] }, headers: operator }],
			["delete", "/api/operator/links/{id}", 204, { id: made.id, headers: operator }],
			["delete", "/api/operator/links/{id}", 404, { id: "none", headers: operator }],
			["delete", "/api/operator/viewers/{id}", 404, { id: "none", headers: operator }],
			["get", "/metrics", 401, {}],
			["get", "/api/cameras/{id}", 401, { id: "vault" }],
			["get", "/cameras/{id}/snapshot.jpg", 401, { id: "vault" }],
			["get", "/cameras/{id}/stream.mjpg", 401, { id: "vault" }],
			["delete", "/api/session", 204, { headers: operator }],
		];
		for (const [method, path, status, { id = "", body, headers = {} }] of requests) {
			const { one } = described.find((each) => each.path === path && each.method === method)!;
			const answer = await secured.send(path.replace("{id}", id), {
				method: method.toUpperCase(),
				body,
				headers: headers as Record<string, string>,
			});
			expect([method, path, answer.status]).toEqual([method, path, status]);
			const schema = one.responses[status]!.content?.["application/json"]?.schema;
			if (schema) expect(problemsOf(schema, await answer.json())).toEqual([]);
			else expect(await answer.text()).toBe("");
		}
	}, 30_000);
});
