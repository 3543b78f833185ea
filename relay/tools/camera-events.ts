import type { CameraStatus } from "#shared/protocol.ts";
import type { Presence } from "../access/presence.ts";
import { DENIED } from "../access/visitor.ts";
import type { Connection, Hub } from "../hub.ts";
import { HttpProblem } from "./query.ts";
import { enter, type Reader } from "./reader.ts";

const MAX_STREAMS = 256;
const MAX_BEHIND_BYTES = 1024 * 1024; // more than the state of all cameras the relay keeps
const HEARTBEAT_MS = 15_000; // proxies end a body that is silent for a minute
const RETRY_MS = 1_000;
const bytesOf = new TextEncoder();
const HEADERS = {
	"Content-Type": "text/event-stream",
	"Cache-Control": "no-store, no-transform",
	"X-Accel-Buffering": "no", // nginx
};

/**
 * `/api/events`: the state of every camera first (`cameras`), then one event per change (`camera`) and per camera that
 * left (`gone`). A reader that reconnects begins with the whole state again, so nothing has to be kept for it.
 */
export class CameraEvents {
	readonly #hub: Hub;
	readonly #presence: Presence;
	readonly #streams = new Set<EventStream>();
	#told = new Map<string, string>(); // what every reader has been told of what it sees, by camera

	constructor(hub: Hub, presence: Presence) {
		this.#hub = hub;
		this.#presence = presence;
		hub.listeners.add(() => this.#changed());
	}

	get streamCount(): number {
		return this.#streams.size;
	}

	/** A new reader's answer. Throws HttpProblem: 401 to whom nothing can be shown, 503 when there are too many. */
	open(reader: Reader): Response {
		const { visitor, line, request } = reader;
		if (!visitor.seesAny) throw new HttpProblem(401, DENIED);
		if (this.#streams.size >= MAX_STREAMS)
			throw new HttpProblem(503, `${MAX_STREAMS} readers of events are connected, which is the most`, 10);
		if (this.#streams.size === 0) this.#told = this.#states();
		else this.#changed(); // the others first: from here on all have been told the same
		const stream = new EventStream(this.#hub.clock(), reader);
		const leave = enter(this.#presence, reader, { cameras: [], ending: stream });
		stream.onEnd = () => {
			leave();
			this.#streams.delete(stream);
			this.#hub.disconnected(stream);
		};
		line.keep();
		this.#streams.add(stream);
		this.#hub.connected(stream);
		request.signal.addEventListener("abort", () => stream.close(), { once: true });
		stream.begin(this.#told);
		return new Response(stream.body, { headers: HEADERS });
	}

	#changed(): void {
		if (this.#streams.size === 0) return;
		const states = this.#states();
		const changes: Change[] = [];
		for (const [id, data] of states)
			if (this.#told.get(id) !== data) changes.push({ id, event: "camera", data });
		for (const id of this.#told.keys())
			if (!states.has(id)) changes.push({ id, event: "gone", data: JSON.stringify({ id }) });
		this.#told = states;
		for (const stream of [...this.#streams]) stream.tell(changes);
	}

	#states(): Map<string, string> {
		return new Map(this.#hub.statuses.map((status) => [status.id, JSON.stringify(stateOf(status))]));
	}
}

/** What happened to one camera; `data` is JSON. */
interface Change {
	id: string;
	event: "camera" | "gone";
	data: string;
}

function stateOf({ id, name, state, reason, detail, since, source }: CameraStatus) {
	return { id, name, state, reason, detail, since: new Date(since).toISOString(), source };
}

/** One reader, told of what it may see alone: text goes out as it comes; whoever falls a megabyte behind is ended and may come again. */
class EventStream implements Connection {
	readonly body: ReadableStream<Uint8Array>;
	/** Called once. */
	onEnd: () => void = () => {};
	readonly #reader: Reader;
	#id = 0; // its own: a gap would tell of what is hidden
	#controller!: ReadableStreamDefaultController<Uint8Array>; // given before the constructor of the stream returns
	#writeTime: number;
	#isEnded = false;

	constructor(now: number, reader: Reader) {
		this.#writeTime = now;
		this.#reader = reader;
		this.body = new ReadableStream<Uint8Array>(
			{
				start: (controller) => {
					this.#controller = controller;
				},
				cancel: () => this.#end(),
			},
			new ByteLengthQueuingStrategy({ highWaterMark: MAX_BEHIND_BYTES }),
		);
	}

	/** Tells the whole state, as JSON by camera. */
	begin(states: ReadonlyMap<string, string>): void {
		const own = [...states].filter(([id]) => this.#reader.visitor.sees(id)).map(([, state]) => state);
		this.#write(`retry: ${RETRY_MS}\n${this.#event("cameras", `[${own.join()}]`)}`);
	}

	tell(changes: readonly Change[]): void {
		const own = changes.filter(({ id }) => this.#reader.visitor.sees(id));
		if (own.length > 0) this.#write(own.map(({ event, data }) => this.#event(event, data)).join(""));
	}

	#event(name: string, data: string): string {
		return `id: ${++this.#id}\nevent: ${name}\ndata: ${data}\n\n`;
	}

	#write(text: string): void {
		if (this.#isEnded) return;
		// A stream whose client has gone, unnoticed so far, has no room either: desiredSize is then 0 or null.
		if ((this.#controller.desiredSize ?? 0) > 0) return this.#controller.enqueue(bytesOf.encode(text));
		this.#end();
		this.#reader.line.hangUp();
	}

	tick(now: number): void {
		if (now - this.#writeTime < HEARTBEAT_MS) return;
		this.#writeTime = now;
		this.#write(": still here\n\n");
	}

	close(): void {
		if (this.#isEnded) return;
		this.#end();
		this.#reader.line.hangUp(); // it may take nothing
		try {
			this.#controller.close();
		} catch {
			// the client has gone already
		}
	}

	#end(): void {
		if (this.#isEnded) return;
		this.#isEnded = true;
		this.onEnd();
	}
}
