// Many viewers in one process. Arguments: URL, how many, `acks` for the product's protocol or `bare` for none.
import { WireClient } from "../support/wire-client.ts";

const [url = "", count, kind] = process.argv.slice(2);
let received = 0;

function dial(): WebSocket {
	if (kind === "acks") {
		const client = new WireClient(url, { onFrame: () => received++ });
		client.socket.addEventListener("open", () => client.watch({ bench: 0 }));
		return client.socket;
	}
	const socket = new WebSocket(url.replace(/^http/, "ws"));
	socket.onmessage = () => received++;
	return socket;
}

const sockets = Array.from({ length: Number(count) }, dial);
await Promise.all(
	sockets.map((socket) => new Promise((resolve) => socket.addEventListener("open", resolve))),
);
console.log("watching");
setInterval(() => console.log(`received ${received}`), 100);
