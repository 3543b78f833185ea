// What others' servers do: takes a relay's frames as an ordinary viewer near it, sends them on by its own policy.
// Arguments: relay URL, camera, address to listen on. Viewers dial /POLICY/RENDITION.
import { localNow } from "#shared/clock.ts";
import { encodeHeader } from "#shared/frame.ts";
import { type ReceivedFrame, WireClient } from "../../support/wire-client.ts";
import {
	DropWhenBuffered,
	FIXED_RUNG,
	FixedInFlight,
	type Rival,
	type Sender,
	START_RUNG,
	Unlimited,
} from "./policies.ts";

const [relayUrl = "", camera = "", hostname = ""] = process.argv.slice(2);
const UNLIMITED_BYTES = 2 ** 30;

interface CameraMessage {
	id: string;
	source: { framesPerSecond: number | null } | null;
	renditions: { offer: string }[];
}

/** One viewer of a rival: its own subscription at the relay, its own policy. */
class Session {
	readonly #socket: Bun.ServerWebSocket<Session>;
	readonly #source: WireClient;
	#sender: Sender | null = null;
	#rendition = -1;
	#waiting: ReceivedFrame | null = null;

	constructor(socket: Bun.ServerWebSocket<Session>, path: string) {
		this.#socket = socket;
		this.#source = new WireClient(`${relayUrl}/watch`, { onFrame: (frame) => this.#offer(frame) });
		void this.#begin(path);
	}

	acked(): void {
		this.#sender?.acked(localNow());
		if (this.#waiting) this.#offer(this.#waiting);
	}

	end(): void {
		this.#source.close();
	}

	async #begin(path: string): Promise<void> {
		const ours = (message: Record<string, unknown>) =>
			(message.cameras as CameraMessage[]).find(
				({ id, renditions }) => id === camera && renditions.length > 0,
			);
		this.#sender = senderOf(path, ours(await this.#source.heard("cameras", (message) => !!ours(message)))!);
		this.#watch(this.#sender.start);
	}

	#watch(rendition: number): void {
		if (rendition === this.#rendition) return;
		this.#rendition = rendition;
		this.#source.watch({ [camera]: rendition });
	}

	#offer(frame: ReceivedFrame): void {
		const sender = this.#sender!;
		const now = localNow();
		this.#waiting = null;
		if (sender.admits(now, this.#socket.getBufferedAmount())) {
			this.#socket.cork((socket) => {
				socket.sendBinary(encodeHeader(frame.header));
				socket.sendBinary(frame.body);
			});
			sender.sent(now);
		} else if (sender.keepsNewest) this.#waiting = frame;
		this.#watch(sender.rung(now));
	}
}

function senderOf(path: string, { renditions, source }: CameraMessage): Sender {
	const [, policy, rendition] = path.split("/");
	const topRung = renditions.filter(({ offer }) => offer === "ladder").length - 1;
	switch (policy as Rival) {
		case "rero":
			return new Unlimited(Number(rendition));
		case "buffered":
			return new DropWhenBuffered(FIXED_RUNG, null);
		case "buffered-ladder":
			return new DropWhenBuffered(START_RUNG, topRung);
		case "three":
			return new FixedInFlight(3, { topRung, sourceRate: source?.framesPerSecond ?? 30 });
	}
}

type Upgraded = { path: string; session: Session | null };

const server = Bun.serve<Upgraded>({
	hostname,
	port: 0,
	fetch(request, server) {
		const data = { path: new URL(request.url).pathname, session: null };
		return server.upgrade(request, { data })
			? undefined
			: new Response("expected a WebSocket", { status: 426 });
	},
	websocket: {
		backpressureLimit: UNLIMITED_BYTES,
		perMessageDeflate: false,
		open(ws) {
			ws.data.session = new Session(ws as unknown as Bun.ServerWebSocket<Session>, ws.data.path);
		},
		message(ws) {
			ws.data.session?.acked();
		},
		close(ws) {
			ws.data.session?.end();
		},
	},
});
console.log(`listening on ${server.url.origin}`);
