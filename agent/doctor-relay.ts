import { ClockOffset, localNow } from "#shared/clock.ts";
import { CLOSE } from "#shared/close.ts";
import { type Finding, ok, problem, warning } from "#shared/finding.ts";
import { messageType } from "#shared/frame.ts";
import { wordsOf } from "#shared/log.ts";
import { decodePong, encodePing } from "#shared/ping.ts";
import { PROTOCOL_VERSION } from "#shared/protocol.ts";
import type { AgentConfig, CameraConfig } from "./config.ts";

const ANSWER_MS = 5_000;
const PINGS = 3;
const CLOCK_MS = 60_000; // links and log lines of the two machines do not fit together beyond that
const HEALTH = "/healthz";

/** How a connection to /publish went: greeted, with the relay's clock, or ended before or after that. */
interface Visit {
	clock: ClockOffset;
	isWelcome: boolean;
	/** How the relay ended it; null: it did not. */
	ended: { code: number; words: string } | null;
}

/** Looks at the relay from the agent's side: does it answer, does it take the keys, how far is its clock. */
export async function* relayFindings(config: AgentConfig): AsyncGenerator<Finding, void> {
	const health = await healthFinding(config.publishUrl);
	yield health;
	if (health.severity === "problem") return;
	const open = await visit(config.publishUrl, []);
	if (!open.isWelcome && open.ended?.code !== CLOSE.badKey) return yield socketFinding(open);
	if (open.isWelcome) {
		yield ok(
			"key",
			config.publishKeys.length > 0 ? "set, but this relay asks for none" : "none is asked for",
		);
		return yield clockFinding(open.clock);
	}
	if (config.publishKeys.length === 0)
		return yield problem(
			"key",
			"this relay asks for one",
			'on its machine: bun run relay key CAMERA; here: RELAY_KEY=..., or key = "..." in the CAMERAS_FILE',
		);
	const known = await visit(config.publishUrl, config.publishKeys);
	if (!known.isWelcome)
		return yield problem(
			"key",
			"this relay knows none of the keys",
			"made for another relay, or replaced since: bun run relay key CAMERA on its machine",
		);
	for (const camera of config.cameras) yield await keyFinding(config, camera);
	yield clockFinding(known.clock);
}

async function healthFinding(publishUrl: string): Promise<Finding> {
	const url = new URL(publishUrl);
	url.protocol = url.protocol.replace("ws", "http");
	url.pathname = url.pathname.replace(/\/publish$/, HEALTH);
	const address = url.href.slice(0, -HEALTH.length);
	const startTime = performance.now();
	try {
		const answer = await fetch(url, { signal: AbortSignal.timeout(ANSWER_MS), redirect: "manual" });
		const body = (await answer.json().catch(() => null)) as { status?: string; error?: string } | null;
		if (answer.ok && body?.status === "ok")
			return ok("relay", `${address} answers in ${Math.round(performance.now() - startTime)} ms`);
		if (body?.error) return problem("relay", `${address}: ${body.error}`, "see docs/behind-a-proxy.md");
		return problem(
			"relay",
			`${address}: no relay, HTTP ${answer.status}`,
			"RELAY_URL: the address people type for the page",
		);
	} catch (cause) {
		return problem(
			"relay",
			`${address} does not answer: ${wordsOf(cause)}`,
			"is it started (bun run relay), is RELAY_URL right, does a firewall stand between?",
		);
	}
}

function socketFinding({ ended }: Visit): Finding {
	if (ended && ended.code >= 1_007 && ended.words !== "")
		return problem("WebSocket", ended.words, `the relay closed with ${ended.code}: see shared/PROTOCOL.md`);
	return problem(
		"WebSocket",
		"pages come through, WebSockets do not",
		"a proxy between does not pass them: docs/behind-a-proxy.md",
	);
}

/**
 * Whether the keys open this camera. Asks to publish it together with one that nobody has a key for: the relay names
 * the first that stays closed and publishes neither, so that a running agent keeps its cameras.
 */
async function keyFinding({ publishUrl, publishKeys }: AgentConfig, camera: CameraConfig): Promise<Finding> {
	const topic = "key";
	if (!camera.isNamed) return ok(topic, "known to the relay");
	const { ended } = await visit(publishUrl, publishKeys, camera);
	if (ended?.code === CLOSE.badKey && !ended.words.includes(`"${camera.id}"`))
		return ok(topic, `opens camera ${camera.id}`);
	return problem(
		topic,
		ended?.words ?? `no answer for camera ${camera.id}`,
		`on the relay's machine: bun run relay key ${camera.id}`,
	);
}

function clockFinding(clock: ClockOffset): Finding {
	const offset = Math.round(clock.offsetMs);
	const found = `the relay's is ${Math.abs(offset)} ms ${offset < 0 ? "behind" : "ahead"}, round trip ${(clock.roundTripTime ?? 0).toFixed(1)} ms`;
	if (Math.abs(offset) < CLOCK_MS) return ok("clock", `${found}; pictures are stamped in the relay's`);
	return warning("clock", found, "set the clocks (timedatectl set-ntp true): logs and links go by them");
}

/** Greets the relay and measures its clock; with a camera, asks to publish it beside a stranger. */
async function visit(url: string, keys: readonly string[], camera?: CameraConfig): Promise<Visit> {
	const { promise: over, resolve: finish } = Promise.withResolvers<void>();
	const visited: Visit = { clock: new ClockOffset(), isWelcome: false, ended: null };
	const headers = keys.length > 0 ? { Authorization: `Bearer ${keys.join("~")}` } : {};
	const socket = new WebSocket(url, { headers } as unknown as string[]); // Bun's own, the DOM's type knows no headers
	socket.binaryType = "arraybuffer";
	const say = (message: object) => socket.send(JSON.stringify(message));
	const ping = () => socket.send(encodePing({ sentTime: localNow() }));
	let pongs = 0;
	socket.onopen = () => say({ type: "hello", protocol: PROTOCOL_VERSION, software: "sightline doctor" });
	socket.onclose = ({ code, reason }) => {
		visited.ended = { code, words: reason };
		finish();
	};
	socket.onerror = () => finish();
	socket.onmessage = ({ data }) => {
		if (typeof data === "string") {
			if (JSON.parse(data).type !== "welcome") return;
			visited.isWelcome = true;
			if (!camera) return ping();
			const stranger = { id: `doctor-${crypto.randomUUID()}`, name: "nobody's" };
			say({
				type: "publish",
				instance: stranger.id,
				cameras: [{ id: camera.id, name: camera.name }, stranger],
			});
		} else if (messageType(new Uint8Array(data)) === "pong") {
			const { sentTime, answerTime } = decodePong(new Uint8Array(data));
			visited.clock.add(sentTime, answerTime, localNow());
			if (++pongs < PINGS) ping();
			else finish();
		}
	};
	const timer = setTimeout(finish, ANSWER_MS);
	await over;
	clearTimeout(timer);
	socket.onclose = null;
	socket.close(CLOSE.goodbye);
	return visited;
}
