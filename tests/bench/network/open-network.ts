import type { Network } from "./link.ts";
import { TcpNetwork } from "./tcp-network.ts";
import { TunNetwork } from "./tun-network.ts";

export const NETWORK_KINDS = ["auto", "tun", "tcp"] as const;
export type NetworkKind = (typeof NETWORK_KINDS)[number];

/**
 * Packets where the machine permits it (Linux, root, iproute2), streams elsewhere; throws when asked for packets by
 * name. `congestionControl`: of the packets' TCP, CUBIC unless told, which is what nearly every Linux comes with.
 */
export function openNetwork(kind: NetworkKind, congestionControl = "cubic"): Network {
	if (kind === "tcp") return new TcpNetwork();
	try {
		return new TunNetwork(congestionControl);
	} catch (cause) {
		if (kind === "tun") throw cause;
		return new TcpNetwork();
	}
}
