const FIRST = 20_000;
const LAST = 32_000; // below Linux's ephemeral range: no outgoing connection takes the port while its server is down

/** A 127.0.0.1 TCP port nobody listens on, for a server that must come back on the same one. */
export function stablePort(): number {
	for (let attempt = 0; attempt < 50; attempt++) {
		const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
		try {
			Bun.listen({ hostname: "127.0.0.1", port, socket: { data() {} } }).stop(true);
			return port;
		} catch {
			// taken: try another
		}
	}
	throw new Error(`no free port between ${FIRST} and ${LAST}`);
}
