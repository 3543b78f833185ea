import { type Message, Mutator } from "./mutate.ts";

const AT_ONCE = 24;
const BURST = 12;
const REQUEST_SHARE = 0.1; // of the connections, that speak HTTP alone
const ANSWER_MS = 2_000;

/** What was thrown at a relay. */
export interface Thrown {
	messages: number;
	requests: number;
	/** Connections on which they went. */
	connections: number;
	/** Connections that were neither answered nor closed in two seconds. */
	hung: number;
}

/** Sends a relay broken messages of agents, viewers and HTTP clients until there were `count`; same seed, same ones. */
export async function throwAt(relayUrl: string, count: number, seed: number): Promise<Thrown> {
	const thrown: Thrown = { messages: 0, requests: 0, connections: 0, hung: 0 };
	const { port } = new URL(relayUrl);
	const thrower = async () => {
		while (thrown.messages + thrown.requests < count) {
			const mutator = new Mutator(seed + thrown.connections++); // its own, whatever order they run in
			if (mutator.random() < REQUEST_SHARE) await request(Number(port), mutator, thrown);
			else await converse(relayUrl, mutator, thrown);
		}
	};
	await Promise.all(Array.from({ length: AT_ONCE }, thrower));
	return thrown;
}

async function converse(relayUrl: string, mutator: Mutator, thrown: Thrown): Promise<void> {
	const who = mutator.random() < 0.5 ? "agent" : "viewer";
	const hello = mutator.random() < 0.95;
	const messages: Message[] = Array.from({ length: 1 + mutator.below(BURST) }, () => mutator.message(who));
	thrown.messages += messages.length;
	const socket = new WebSocket(`${relayUrl.replace("http", "ws")}/${who === "agent" ? "publish" : "watch"}`);
	const { promise, resolve } = Promise.withResolvers<"closed" | "hung">();
	const timer = setTimeout(() => resolve("hung"), ANSWER_MS);
	socket.addEventListener("close", () => resolve("closed"));
	socket.addEventListener("error", () => resolve("closed"));
	socket.addEventListener("open", () => {
		if (hello) socket.send(JSON.stringify({ type: "hello", protocol: 1, software: "fuzz" }));
		for (const message of messages) socket.send(message);
		socket.close(); // answered once everything before it was read
	});
	if ((await promise) === "hung") thrown.hung++;
	clearTimeout(timer);
	(socket as Bun.WebSocket).terminate();
}

async function request(port: number, mutator: Mutator, thrown: Thrown): Promise<void> {
	const bytes = mutator.request();
	thrown.requests++;
	const { promise, resolve } = Promise.withResolvers<"answered" | "hung">();
	const done = () => resolve("answered");
	const socket = await Bun.connect({
		hostname: "127.0.0.1",
		port,
		socket: { open: (opened) => void opened.end(bytes), data: done, end: done, close: done, error: done },
	});
	const timer = setTimeout(() => resolve("hung"), ANSWER_MS);
	if ((await promise) === "hung") thrown.hung++;
	clearTimeout(timer);
	socket.terminate();
}
