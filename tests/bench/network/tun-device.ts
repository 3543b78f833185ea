import { dlopen, ptr } from "bun:ffi";
import { networkInterfaces } from "node:os";

// Linux, from fcntl.h, linux/if_tun.h and linux/if.h.
const O_RDWR_NONBLOCK = 0o2 | 0o4000;
const TUNSETIFF = 0x400454ca;
const IFF_TUN_NO_PI = 0x1001;
const NAME_BYTES = 16;
const REQUEST_BYTES = 40; // struct ifreq: the name, then a union of 24
const MTU = 1_500;

/** A network interface whose packets this process reads and writes (Linux, root, iproute2). It ends with the process. */
export class TunDevice implements Disposable {
	/** Its network, without the last number: any address of `prefix`.0/24 but `.1`, which is ours, leads into it. */
	readonly prefix = freePrefix();
	readonly #libc = openLibc();
	readonly #descriptor: number;
	readonly #buffer = new Uint8Array(MTU);
	readonly #address = ptr(this.#buffer);

	/** `congestionControl` of all TCP through it. Throws where it is not permitted. */
	constructor(congestionControl: string) {
		const { open, ioctl } = this.#libc.symbols;
		this.#descriptor = open(ptr(cString("/dev/net/tun")), O_RDWR_NONBLOCK);
		if (this.#descriptor < 0) throw new Error("/dev/net/tun cannot be opened");
		const request = new Uint8Array(REQUEST_BYTES);
		request.set(cString("sightline%d")); // replaced by the name given
		new DataView(request.buffer).setUint16(NAME_BYTES, IFF_TUN_NO_PI, true);
		if (ioctl(this.#descriptor, TUNSETIFF, ptr(request)) < 0) throw new Error("no TUN device is permitted");
		const name = new TextDecoder().decode(request.subarray(0, request.indexOf(0)));
		const own = `${this.prefix}.1`;
		ip(`address add ${own}/24 dev ${name}`);
		ip(`link set ${name} up`);
		ip(`route replace ${this.prefix}.0/24 dev ${name} src ${own} congctl ${congestionControl}`);
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
}

function ip(command: string): void {
	const { success, stderr } = Bun.spawnSync(["ip", ...command.split(" ")]);
	if (!success) throw new Error(`ip ${command}: ${stderr.toString().trim()}`);
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

function cString(text: string): Uint8Array {
	return new TextEncoder().encode(`${text}\0`);
}

function openLibc() {
	return dlopen("libc.so.6", {
		open: { args: ["ptr", "i32"], returns: "i32" },
		ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
		read: { args: ["i32", "ptr", "u64"], returns: "i32" },
		write: { args: ["i32", "ptr", "u64"], returns: "i32" },
		close: { args: ["i32"], returns: "i32" },
	});
}
