import type { Network } from "./link.ts";
import { TcpNetwork } from "./tcp-network.ts";
import { TunNetwork } from "./tun-network.ts";

export const NETWORK_KINDS = ["auto", "tun", "tcp"] as const;
export type NetworkKind = (typeof NETWORK_KINDS)[number];

/** Packets where the machine permits it (Linux, root), streams elsewhere; throws when asked for packets by name. */
export function openNetwork(kind: NetworkKind, congestionControl: string | null = null): Network {
	if (kind === "tcp") return new TcpNetwork();
	try {
		return new TunNetwork(congestionControl);
	} catch (cause) {
		if (kind === "tun" || congestionControl !== null) throw cause;
		return new TcpNetwork();
	}
}
