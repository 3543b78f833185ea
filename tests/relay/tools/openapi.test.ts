import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { Validator } from "@seriousme/openapi-schema-validator";
import Ajv from "ajv/dist/2020.js";
import addFormats from "ajv-formats";
import { Hub } from "../../../relay/hub.ts";
import { routes } from "../../../relay/server.ts";
import { LoopLag } from "../../../relay/tools/loop-lag.ts";
import { OPENAPI } from "../../../relay/tools/openapi.ts";
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

const operations = Object.entries(OPENAPI.paths as unknown as Record<string, { get: Operation }>).map(
	([path, { get }]) => ({ path, get }),
);
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
	const app = routes(new Hub(), "/nowhere", new LoopLag(50));
	const there = app.routes
		.map(({ path }) => path.replace(/:(\w+)/g, "{$1}"))
		.filter((path) => !NOT_DESCRIBED.includes(path));
	expect(there.toSorted()).toEqual(operations.map(({ path }) => path).toSorted());
});

test("the page for people names every address and parameter too", async () => {
	const page = await Bun.file("docs/for-other-tools.md").text();
	const readme = await Bun.file("README.md").text();
	for (const { path, get } of operations) {
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
		const described = operations.find((one) =>
			new RegExp(`^${one.path.replace("{id}", "[\\w-]+")}$`).test(path),
		)!;
		const { schema } = described.get.responses[status]!.content!["application/json"]!;
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
		const { schema } = operations[0]!.get.responses[200]!.content!["application/json"]!;
		expect(problemsOf(schema!, [{ id: "x" }]).length).toBeGreaterThan(5);
	});
});
