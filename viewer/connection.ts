import { encodeAck } from "#shared/ack.ts";
import { ClockOffset, localNow } from "#shared/clock.ts";
import { CLOSE } from "#shared/close.ts";
import { ProtocolError } from "#shared/errors.ts";
import { decodeHeader, type FrameHeader, messageType } from "#shared/frame.ts";
import { bodyPatienceMs, Heartbeat } from "#shared/heartbeat.ts";
import { decodePing, decodePong, encodePing, encodePong } from "#shared/ping.ts";
import {
	type CameraStatus,
	type Choice,
	checkVersion,
	PROTOCOL_VERSION,
	parseJson,
	parseToViewerMessage,
	type Watch,
} from "#shared/protocol.ts";

const CHECK_MS = 250; // Heartbeat wants about four checks a second
const FIRST_PINGS = 4; // sent as fast as they are answered, so that ages are right from the first second
const MAX_REASON_CHARS = 40; // a close reason is at most 123 bytes, a character at most 3

/** A frame as it came from the relay; the receiver owns `body`. */
export interface Frame {
	header: FrameHeader;
	body: ArrayBuffer;
	/** The last byte of the body was here; our clock. */
	receiveTime: number;
}

/** What each watched camera is sent as, and what the connection carries, bits per second; null before that is known. */
export interface Choices {
	rateBps: number | null;
	cameras: Choice[];
}

/** Why a connection is over: a close code of PROTOCOL.md (1006: the network broke) and words, possibly none. */
export interface Ending {
	code: number;
	reason: string;
}

export interface ConnectionEvents {
	welcome(): void;
	cameras(cameras: CameraStatus[]): void;
	choice(choice: Choices): void;
	/** Another relay took this one's place at the same address. */
	moving(): void;
	frame(frame: Frame): void;
}

/** One WebSocket to the relay's `/watch`, from dialing to its end. */
export class Connection {
	/** How far the relay's clock is ahead; unknown until the first answered ping. */
	readonly clock = new ClockOffset();
	/** When the relay last said anything, or was dialed; our clock. */
	heardTime = localNow();
	readonly #events: ConnectionEvents;
	readonly #heartbeat = new Heartbeat(localNow(), "always");
	#socket: WebSocket | null = null;
	#isWelcome = false;
	#header: FrameHeader | null = null;
	#headerTime = 0;
	#pongs = 0;

	constructor(events: ConnectionEvents) {
		this.#events = events;
	}

	/** Dials and serves; resolves when either side ended it. Aborting says goodbye. */
	run(url: string, signal: AbortSignal): Promise<Ending> {
		const socket = new WebSocket(url);
		socket.binaryType = "arraybuffer";
		this.#socket = socket;
		const over = new AbortController();
		return new Promise((resolve) => {
			const finish = (ending: Ending) => {
				if (over.signal.aborted) return;
				over.abort();
				clearInterval(timer);
				signal.removeEventListener("abort", goodbye);
				// A dead path never answers the closing handshake: nobody waits for it.
				socket.close(ending.code >= 4000 ? ending.code : 1000, ending.reason.slice(0, MAX_REASON_CHARS));
				resolve(ending);
			};
			const goodbye = () => finish({ code: CLOSE.goodbye, reason: "" });
			const timer = setInterval(() => this.#beat(finish), CHECK_MS);
			signal.addEventListener("abort", goodbye);
			const listen = { signal: over.signal };
			socket.addEventListener("open", () => this.#hello(), listen);
			socket.addEventListener("close", ({ code, reason }) => finish({ code, reason }), listen);
			socket.addEventListener(
				"message",
				({ data }: MessageEvent<string | ArrayBuffer>) => {
					try {
						this.#receive(data);
					} catch (cause) {
						if (!(cause instanceof ProtocolError)) throw cause;
						finish({ code: this.#isWelcome ? CLOSE.badMessage : CLOSE.version, reason: cause.message });
					}
				},
				listen,
			);
		});
	}

	/** Says the full set of what is shown; only once welcome. */
	watch(watch: Watch): void {
		this.#send(JSON.stringify({ type: "watch", ...watch }));
	}

	/** Says that frames of a camera were missed: what comes next of it is to be a key. */
	askKey(camera: string): void {
		this.#send(JSON.stringify({ type: "key", camera }));
	}

	/** Asks the relay for a sign of life now, because this machine may have slept or changed its network. */
	probe(): void {
		this.#send(encodePing({ sentTime: localNow() }));
	}

	#hello(): void {
		this.#send(JSON.stringify({ type: "hello", protocol: PROTOCOL_VERSION, software: "sightline viewer" }));
		this.probe();
	}

	#receive(data: string | ArrayBuffer): void {
		const now = localNow();
		this.#heartbeat.heard(now);
		this.heardTime = now;
		if (typeof data === "string") this.#receiveText(data);
		else if (this.#header) this.#receiveBody(this.#header, data, now);
		else this.#receiveBinary(new Uint8Array(data), now);
	}

	#receiveText(text: string): void {
		const message = parseToViewerMessage(parseJson(text));
		switch (message.type) {
			case "welcome":
				checkVersion(message.protocol);
				this.#isWelcome = true;
				this.#events.welcome();
				break;
			case "cameras":
				this.#events.cameras(message.cameras);
				break;
			case "choice":
				this.#events.choice(message);
				break;
			case "moving":
				this.#events.moving();
				break;
			case "refused": // what was in force stays; the picture on screen says which
				console.info(`The relay refused: ${message.message}`);
		}
	}

	#receiveBinary(message: Uint8Array, now: number): void {
		switch (messageType(message)) {
			case "frame":
				this.#header = decodeHeader(message);
				this.#headerTime = now;
				break;
			case "ping":
				this.#send(encodePong({ ...decodePing(message), answerTime: now }));
				break;
			case "pong": {
				const pong = decodePong(message);
				this.clock.add(pong.sentTime, pong.answerTime, now);
				if (++this.#pongs < FIRST_PINGS) this.probe();
				break;
			}
			case "ack":
				throw new ProtocolError("ack: a viewer sends no frames");
		}
	}

	#receiveBody(header: FrameHeader, body: ArrayBuffer, bodyTime: number): void {
		this.#header = null;
		if (body.byteLength !== header.bodyBytes)
			throw new ProtocolError(`body: expected ${header.bodyBytes} bytes, got ${body.byteLength}`);
		this.#send(encodeAck({ delivery: header.delivery, headerTime: this.#headerTime, bodyTime }));
		this.#events.frame({ header, body, receiveTime: bodyTime });
	}

	/** The heartbeat runs from dialing on: a SYN that nobody answers must not hold us for minutes either. */
	#beat(finish: (ending: Ending) => void): void {
		switch (this.#heartbeat.check(localNow(), bodyPatienceMs(this.#header?.bodyBytes ?? 0))) {
			case "ping":
				this.probe();
				break;
			case "dead":
				finish({ code: CLOSE.timeout, reason: "no answer for 4 s" });
		}
	}

	#send(message: string | Uint8Array<ArrayBuffer>): void {
		if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(message);
	}
}
