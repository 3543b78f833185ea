import { localNow } from "#shared/clock.ts";
import { Bottleneck } from "./bottleneck.ts";
import { bufferBytes, type Conditions, type Link, type Network } from "./link.ts";
import { TunDevice } from "./tun-device.ts";

const TICK_MS = 1;
const IPV4 = 4;
const TCP = 6;
const SOURCE = 12; // offset of the sender's address in an IPv4 header; the receiver's follows
const LINK_ADDRESSES = 253; // .2 to .254

/**
 * Links of real packets: the kernel's TCP at both ends with its own congestion control, packet loss where the queue
 * is full. Each link is an address of a TUN device. A packet to it comes back with its addresses exchanged, so that
 * client and server both live in this kernel and both see the link as the other side.
 */
export class TunNetwork implements Network {
	readonly kind = "tun";
	readonly congestionControl: string;
	readonly host: string;
	readonly #device: TunDevice;
	readonly #links: TunLink[] = [];
	readonly #timer: Timer;

	/** `congestionControl` of both ends. Throws where no TUN device can be made. */
	constructor(congestionControl: string) {
		this.#device = new TunDevice(congestionControl);
		this.congestionControl = congestionControl;
		this.host = `${this.#device.prefix}.1`;
		this.#timer = setInterval(() => this.#pump(), TICK_MS);
	}

	lay(conditions: Conditions): Link {
		if (this.#links.length === LINK_ADDRESSES) throw new RangeError("too many links");
		const link = new TunLink(`${this.#device.prefix}.${this.#links.length + 2}`, conditions);
		this.#links.push(link);
		return link;
	}

	async [Symbol.asyncDispose](): Promise<void> {
		clearInterval(this.#timer);
		this.#device[Symbol.dispose]();
	}

	#pump(): void {
		const now = localNow();
		for (let packet = this.#device.read(); packet; packet = this.#device.read()) {
			if (packet[0]! >> 4 !== IPV4 || packet[9] !== TCP) continue;
			this.#links[packet[SOURCE + 7]! - 2]?.push(packet, now);
		}
		for (const link of this.#links) link.deliver(now, this.#device);
	}
}

class TunLink implements Link {
	readonly host: string;
	readonly port: number;
	startTime: number | null = null;
	droppedPackets = 0;
	readonly #down: Bottleneck<Uint8Array>;
	readonly #up: Bottleneck<Uint8Array>;
	readonly #shaped: Bottleneck<Uint8Array>;

	constructor(host: string, conditions: Conditions) {
		this.host = host;
		this.port = conditions.targetPort;
		// A packet waits half a tick to be read and half a tick to be written.
		const delayMs = Math.max(0, conditions.rttMs / 2 - TICK_MS);
		const free = { trace: null, bufferBytes: Number.POSITIVE_INFINITY, delayMs };
		const narrow = { trace: conditions.trace, bufferBytes: bufferBytes(conditions), delayMs };
		this.#down = new Bottleneck(conditions.shaped === "down" ? narrow : free);
		this.#up = new Bottleneck(conditions.shaped === "up" ? narrow : free);
		this.#shaped = conditions.shaped === "down" ? this.#down : this.#up;
	}

	get servedBytes(): number {
		return this.#shaped.servedBytes;
	}

	get queuedBytes(): number {
		return this.#shaped.queuedBytes;
	}

	push(packet: Uint8Array, now: number): void {
		this.startTime ??= now;
		const header = (packet[0]! & 0xf) * 4;
		const sourcePort = (packet[header]! << 8) | packet[header + 1]!;
		const way = sourcePort === this.port ? this.#down : this.#up;
		const at = now - this.startTime;
		if (way.hasRoom(at, packet.length)) way.push(at, packet, packet.length);
		else this.droppedPackets++;
	}

	deliver(now: number, device: TunDevice): void {
		if (this.startTime === null) return;
		const at = now - this.startTime;
		for (const way of [this.#down, this.#up])
			for (let packet = way.take(at); packet; packet = way.take(at)) {
				exchangeAddresses(packet);
				device.write(packet);
			}
	}
}

/** The checksums stay right: their sums do not depend on the order. */
function exchangeAddresses(packet: Uint8Array): void {
	const source = packet.slice(SOURCE, SOURCE + 4);
	packet.copyWithin(SOURCE, SOURCE + 4, SOURCE + 8);
	packet.set(source, SOURCE + 4);
}
