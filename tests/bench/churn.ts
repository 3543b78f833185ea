// Viewers that come and go, in one process. Arguments: URL, how many at once, seconds each stays on average, rungs.
import { WireClient } from "../support/wire-client.ts";

const [url = "", count, staySeconds, rungs = "0"] = process.argv.slice(2);
const ids = rungs.split(",").map(Number);
let joined = 0;
let received = 0;

for (let i = 0; i < Number(count); i++) void comeAndGo(ids[i % ids.length]!);
setInterval(() => console.log(JSON.stringify({ joined, received })), 500);

async function comeAndGo(rung: number): Promise<never> {
	for (;;) {
		using client = new WireClient(`${url}/watch`, { onFrame: () => received++ });
		client.socket.addEventListener("open", () => client.watch({ bench: rung }));
		joined++;
		await Bun.sleep(2 * Math.random() * Number(staySeconds) * 1000);
	}
}
