// The least a fan-out can cost: one loop of sendBinary. Argument: bytes a frame.
const body = new Uint8Array(Number(process.argv[2]));
const watching = new Set<Bun.ServerWebSocket<string>>();

const server = Bun.serve<string>({
	hostname: "127.0.0.1",
	port: 0,
	fetch(request, server) {
		return server.upgrade(request, { data: new URL(request.url).pathname })
			? undefined
			: new Response("expected a WebSocket", { status: 426 });
	},
	websocket: {
		open(ws) {
			if (ws.data === "/watch") watching.add(ws);
		},
		message(ws) {
			if (ws.data === "/send") for (const viewer of watching) viewer.sendBinary(body);
		},
		close(ws) {
			watching.delete(ws);
		},
	},
});
console.log(`listening on ${server.url.origin}`);
