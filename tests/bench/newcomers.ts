// Viewers that come one after the other, are welcomed and leave. Argument: URL. Prints how many were and were not.
import { WireClient } from "../support/wire-client.ts";

const [url = ""] = process.argv.slice(2);
let welcomed = 0;
let failed = 0;

setInterval(() => console.log(JSON.stringify({ welcomed, failed })), 500);
for (;;) {
	const client = new WireClient(`${url}/watch`);
	const { promise, resolve } = Promise.withResolvers<void>();
	client.socket.addEventListener("message", () => resolve());
	client.socket.addEventListener("close", () => resolve());
	await promise;
	if (client.messages.some(({ type }) => type === "welcome")) welcomed++;
	else failed++;
	client.close();
	await Bun.sleep(5);
}
