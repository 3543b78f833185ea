import { dlopen, ptr } from "bun:ffi";
import { networkInterfaces } from "node:os";

// Linux, from fcntl.h, sys/socket.h, linux/if_tun.h, linux/sockios.h, linux/if.h.
const O_RDWR_NONBLOCK = 0o2 | 0o4000;
const AF_INET = 2;
const SOCK_DGRAM = 2;
const TUNSETIFF = 0x400454ca;
const IFF_TUN_NO_PI = 0x1001;
const SIOCSIFADDR = 0x8916;
const SIOCSIFNETMASK = 0x891c;
const SIOCSIFFLAGS = 0x8914;
const IFF_UP_RUNNING = 0x41;
const NAME_BYTES = 16;
const REQUEST_BYTES = 40; // struct ifreq: the name, then a union of 24
const MTU = 1_500;

/** A network interface whose packets this process reads and writes (Linux, root). It ends with the process. */
export class TunDevice implements Disposable {
	/** Its network, without the last number: any address of `prefix`.0/24 but `.1`, which is ours, leads into it. */
	readonly prefix: string;
	readonly #libc = openLibc();
	readonly #descriptor: number;
	readonly #buffer = new Uint8Array(MTU);
	readonly #address = ptr(this.#buffer);

	/** `congestionControl` for all TCP through it; null: the system's. Throws where it is not permitted. */
	constructor(congestionControl: string | null) {
		const { open } = this.#libc.symbols;
		this.#descriptor = open(ptr(cString("/dev/net/tun")), O_RDWR_NONBLOCK);
		if (this.#descriptor < 0) throw new Error("/dev/net/tun cannot be opened");
		this.prefix = freePrefix();
		const request = new Uint8Array(REQUEST_BYTES);
		const view = new DataView(request.buffer);
		request.set(cString("sightline%d")); // replaced by the name given
		view.setUint16(NAME_BYTES, IFF_TUN_NO_PI, true);
		this.#control(this.#descriptor, TUNSETIFF, request);
		const socket = this.#libc.symbols.socket(AF_INET, SOCK_DGRAM, 0);
		const setAddress = (code: number, address: string) => {
			request.fill(0, NAME_BYTES);
			view.setUint16(NAME_BYTES, AF_INET, true);
			request.set(address.split(".").map(Number), NAME_BYTES + 4); // struct sockaddr_in: family, port, address
			this.#control(socket, code, request);
		};
		setAddress(SIOCSIFADDR, `${this.prefix}.1`);
		setAddress(SIOCSIFNETMASK, "255.255.255.0");
		request.fill(0, NAME_BYTES);
		view.setUint16(NAME_BYTES, IFF_UP_RUNNING, true);
		this.#control(socket, SIOCSIFFLAGS, request);
		this.#libc.symbols.close(socket);
		if (congestionControl !== null) this.#route(nameOf(request), congestionControl);
	}

	/** A packet the kernel has sent, to keep; null when there is none now. */
	read(): Uint8Array | null {
		const bytes = this.#libc.symbols.read(this.#descriptor, this.#address, MTU);
		return bytes > 0 ? this.#buffer.slice(0, bytes) : null;
	}

	/** Hands a packet to the kernel as if it had come over a wire. */
	write(packet: Uint8Array): void {
		this.#libc.symbols.write(this.#descriptor, ptr(packet), packet.length);
	}

	[Symbol.dispose](): void {
		this.#libc.symbols.close(this.#descriptor);
	}

	#route(device: string, congestionControl: string): void {
		const { prefix } = this;
		const route = `ip route replace ${prefix}.0/24 dev ${device} src ${prefix}.1 congctl ${congestionControl}`;
		const { success, stderr } = Bun.spawnSync(route.split(" "));
		if (!success) throw new Error(`${route}: ${stderr.toString().trim()}`);
	}

	#control(descriptor: number, code: number, request: Uint8Array): void {
		if (this.#libc.symbols.ioctl(descriptor, code, ptr(request)) < 0)
			throw new Error(`ioctl ${code.toString(16)} of a TUN device is not permitted`);
	}
}

/** 198.18.0.0/15 is set aside for benchmarks (RFC 2544); several may run on one machine. */
function freePrefix(): string {
	const taken = Object.values(networkInterfaces()).flatMap((addresses) =>
		addresses?.map(({ address }) => address),
	);
	for (let i = 0; i < 256; i++) {
		const prefix = `198.18.${(process.pid + i) % 256}`;
		if (!taken.includes(`${prefix}.1`)) return prefix;
	}
	throw new Error("no free network in 198.18.0.0/16");
}

function nameOf(request: Uint8Array): string {
	return new TextDecoder().decode(request.subarray(0, request.indexOf(0)));
}

function cString(text: string): Uint8Array {
	return new TextEncoder().encode(`${text}\0`);
}

function openLibc() {
	return dlopen("libc.so.6", {
		open: { args: ["ptr", "i32"], returns: "i32" },
		socket: { args: ["i32", "i32", "i32"], returns: "i32" },
		ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
		read: { args: ["i32", "ptr", "u64"], returns: "i32" },
		write: { args: ["i32", "ptr", "u64"], returns: "i32" },
		close: { args: ["i32"], returns: "i32" },
	});
}
