import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { Demuxer } from "node-av";
import type { OperatorReport } from "#shared/access.ts";
import { padded } from "../support/big-jpeg.ts";
import { MultipartReader } from "../support/multipart-reader.ts";
import { dial } from "../support/tight-socket.ts";
import { until } from "../support/until.ts";
import { HOUR_MS, linkToken, PICTURES, playAll, type Secured, startSecured } from "./secured.ts";

const METRICS_TOKEN = "canary-metrics-token-0123456789abcdef";

let relay: Secured;
let playing: Disposable;
let operator: Record<string, string>;
beforeAll(async () => {
	relay = await startSecured({ METRICS_TOKEN, ALLOWED_ORIGINS: "https://lab.example" });
	playing = await playAll(relay);
	operator = await relay.signIn("operator");
});
afterAll(async () => {
	playing[Symbol.dispose]();
	await relay[Symbol.asyncDispose]();
});

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` });
const report = async () =>
	(await (await relay.get("/api/operator", operator)).json()) as Promise<OperatorReport>;

async function newLink(cameras = ["shared"]): Promise<{ id: string; headers: Record<string, string> }> {
	const body = { label: "a program", cameras, lastsMs: HOUR_MS };
	const made = await relay.send("/api/operator/links", { body, headers: operator });
	const { url, link } = (await made.json()) as { url: string; link: { id: string } };
	return { id: link.id, headers: bearer(url.split("#t=")[1]!) };
}

/** A stream being read, and a reader of events, of the same token. */
async function programs(headers: Record<string, string>) {
	const stream = await MultipartReader.open(`${relay.url}/cameras/shared/stream.mjpg`, headers);
	expect((await stream.next())!.body.equals(PICTURES.shared!)).toBe(true);
	const events = await relay.get("/api/events", headers);
	expect(events.status).toBe(200);
	return {
		/** Resolves once both have been ended by the relay. */
		ended: Promise.all([
			(async () => {
				while (await stream.next());
			})(),
			events.text(),
		]),
	};
}

const ESTABLISHED = "01";

/** State of the other end of a connection whose own end has this port, as /proc/net/tcp names it. */
function stateOf(port: number): string | undefined {
	const remote = `0100007F:${port.toString(16).toUpperCase().padStart(4, "0")}`;
	const lines = readFileSync("/proc/net/tcp", "utf8").split("\n");
	return lines.map((line) => line.trim().split(/\s+/)).find((fields) => fields[2] === remote)?.[3];
}

describe("whoever reads by HTTP", () => {
	test("stands among those who watch, and an operator ends it", async () => {
		const { id, headers } = await newLink();
		const { ended } = await programs(headers);
		const present = (await report()).viewers.filter(({ link }) => link === "a program");
		expect(present.map(({ by, cameras }) => [by, ...cameras]).sort()).toEqual([["link"], ["link", "shared"]]);
		expect((await report()).links.find((link) => link.id === id)!.viewers).toBe(2);
		for (const { id: connection } of present)
			await relay.send(`/api/operator/viewers/${connection}`, { method: "DELETE", headers: operator });
		await ended;
		expect((await report()).viewers.filter(({ link }) => link === "a program")).toEqual([]);
	});

	test("may be FFmpeg, told as the page for other tools says", async () => {
		const { headers } = await newLink();
		const url = `${relay.url}/cameras/shared/stream.mjpg`;
		await expect(Demuxer.open(url)).rejects.toThrow();
		await using demuxer = await Demuxer.open(url, {
			options: { headers: `Authorization: ${headers.Authorization}\r\n` },
		});
		for await (const packet of demuxer.packets()) {
			expect(packet!.data!.equals(PICTURES.shared!)).toBe(true);
			packet!.free();
			break;
		}
	});

	test("is ended when its link is taken back", async () => {
		const { id, headers } = await newLink();
		const { ended } = await programs(headers);
		await relay.send(`/api/operator/links/${id}`, { method: "DELETE", headers: operator });
		await ended;
		expect((await relay.get("/cameras/shared/snapshot.jpg", headers)).status).toBe(401);
		expect((await report()).links.find((link) => link.id === id)!.viewers).toBe(0);
	});

	test("is ended when its link expires", async () => {
		const { ended } = await programs(bearer(await linkToken({ expires: Date.now() + 3_000 })));
		await ended;
	});

	test.skipIf(process.platform !== "linux")(
		"is ended also while it takes nothing",
		async () => {
			await using own = await startSecured();
			using agent = await own.agent("shared");
			const large = padded(PICTURES.shared!, 1_000_000);
			const signedIn = await own.signIn("operator");
			const viewers = async () =>
				((await (await own.get("/api/operator", signedIn)).json()) as OperatorReport).viewers;
			const token = await linkToken();
			const { promise: opened, resolve } = Promise.withResolvers<Bun.Socket>();
			await dial(
				{ port: Number(new URL(own.url).port), bufferBytes: 4_096 },
				{
					open(socket) {
						socket.write(
							`GET /cameras/shared/stream.mjpg HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer ${token}\r\n\r\n`,
						);
						socket.pause();
						resolve(socket as unknown as Bun.Socket);
					},
					data() {},
				},
			);
			const client = await opened;
			const replaced = async () => {
				for (const rendition of agent.demand?.renditions ?? []) agent.sendFrame(large, { rendition });
				const text = await (await own.get("/metrics", signedIn)).text();
				return /^sightline_frames_lost_total{camera="shared",reason="replaced"} [1-9]/m.test(text);
			};
			await until(replaced, { what: "a client that takes nothing", timeoutMs: 15_000 });
			const ends = Object.fromEntries((await viewers()).map(({ id, by }) => [by, id]));
			await own.send(`/api/operator/viewers/${ends.link}`, { method: "DELETE", headers: signedIn });
			expect(await viewers()).toEqual([]);
			// Seen from the relay's end, because the client does not even read that it is over.
			await until(() => stateOf(client.localPort) !== ESTABLISHED, {
				what: "the end of its connection",
				timeoutMs: 15_000,
			});
			client.terminate();
		},
		40_000,
	);

	test("hears nothing, not even a number, of what happens to hidden cameras", async () => {
		await using own = await startSecured();
		using shared = await own.agent("shared");
		const { body } = await own.get("/api/events", bearer(await linkToken()));
		let text = "";
		const reading = (async () => {
			for await (const chunk of body!) {
				text += new TextDecoder().decode(chunk);
				if (text.includes("agent-gone")) return;
			}
		})();
		await until(() => text.includes("Name of shared"), { what: "the state" });
		for (let i = 0; i < 3; i++) {
			using _vault = await own.agent("vault", `vault ${i}`);
		}
		shared.close();
		await reading;
		expect(text).not.toContain("vault");
		const ids = [...text.matchAll(/^id: (\d+)$/gm)].map(([, id]) => Number(id));
		expect(ids).toEqual(ids.map((_, i) => i + 1));
	});
});

test("connections and viewers of a camera are limited for HTTP as for all", async () => {
	await using few = await startSecured({ VIEWERS: "public", MAX_CONNECTIONS_PER_ADDRESS: "6" });
	using _playing = await playAll(few); // three agents
	const open = (id: string) => MultipartReader.open(`${few.url}/cameras/${id}/stream.mjpg`);
	await using _one = await open("lobby");
	await using _two = await open("lobby");
	const events = await few.get("/api/events");
	for (const path of ["/cameras/lobby/stream.mjpg", "/cameras/lobby/snapshot.jpg", "/api/events"]) {
		const refused = await few.get(path);
		expect([path, refused.status, refused.headers.get("retry-after")]).toEqual([path, 503, "10"]);
	}
	await events.body!.cancel();
	await until(async () => (await few.get("/cameras/lobby/snapshot.jpg")).ok, { what: "room again" });

	await using one = await startSecured({ VIEWERS: "public", MAX_VIEWERS_PER_CAMERA: "1" });
	using _more = await playAll(one);
	await using reader = await MultipartReader.open(`${one.url}/cameras/lobby/stream.mjpg`);
	expect(reader.response.status).toBe(200);
	const refused = await one.get("/cameras/lobby/snapshot.jpg");
	expect([refused.status, await refused.text()]).toEqual([
		503,
		'{"error":"camera \\"lobby\\" has all the viewers it may have"}',
	]);
	expect((await one.get("/cameras/shared/snapshot.jpg")).status).toBe(200);
});

describe("/metrics", () => {
	test("is open to its token, which opens nothing else", async () => {
		const read = await relay.get("/metrics", bearer(METRICS_TOKEN));
		expect([read.status, (await read.text()).includes('camera="vault"')]).toEqual([200, true]);
		expect((await relay.get("/api/cameras/vault", bearer(METRICS_TOKEN))).status).toBe(401);
		expect((await relay.get("/api/operator", bearer(METRICS_TOKEN))).status).toBe(401);
		expect((await relay.get("/metrics", bearer(`${METRICS_TOKEN}x`))).status).toBe(401);
		expect((await relay.get(`/metrics?token=${METRICS_TOKEN}`)).status).toBe(401);
		expect(relay.process.lines.join("\n")).not.toContain(METRICS_TOKEN);
	});

	test("without a token is for operators alone; where only this machine reaches it, for all who see all", async () => {
		await using none = await startSecured({ VIEWERS: "public" });
		expect((await none.get("/metrics")).status).toBe(401);
		expect((await none.get("/metrics", bearer("null"))).status).toBe(401);
		expect((await none.get("/metrics", await none.signIn("operator"))).status).toBe(200);
		await using local = await startSecured({ EXPOSED_HOST: undefined, VIEWERS: "public" });
		expect((await local.get("/metrics")).status).toBe(200);
		await using hiding = await startSecured({ EXPOSED_HOST: undefined });
		expect((await hiding.get("/metrics")).status).toBe(401);
	});
});

describe("the door", () => {
	const PATHS = ["/cameras/lobby/snapshot.jpg", "/?action=snapshot&camera=lobby", "/api/events", "/metrics"];

	test.each(PATHS)("%s is closed to names that are not ours and to other pages' scripts", async (path) => {
		expect((await relay.get(path, { Host: "evil.example" })).status).toBe(421);
		expect((await relay.get(path, { Origin: "https://evil.example" })).status).toBe(403);
	});

	test("a page elsewhere shows a picture only when it was allowed by name", async () => {
		const policy = async (referrer?: string) => {
			const answer = await relay.get("/cameras/lobby/snapshot.jpg", referrer ? { Referer: referrer } : {});
			return answer.headers.get("cross-origin-resource-policy");
		};
		expect(await policy()).toBe("same-origin");
		expect(await policy("https://evil.example/")).toBe("same-origin");
		expect(await policy("https://lab.example.evil.example/")).toBe("same-origin");
		expect(await policy("null")).toBe("same-origin");
		expect(await policy("https://lab.example/wall")).toBe("cross-origin");
	});
});
