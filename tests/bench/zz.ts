import { TunNetwork } from "./network/tun-network.ts";
import { steady, SYNTHETIC } from "./network/trace.ts";
const net = new TunNetwork();
const srv = Bun.serve({ hostname: net.host, port: 0, fetch: (q, s) => s.upgrade(q, {data: undefined}) ? undefined : new Response(new Uint8Array(2_000_000)), websocket: { message(ws, m) { ws.send(m); } } });
console.log(net.host, srv.port);
const link = net.lay({ trace: steady("x", 6000), rttMs: 80, bufferMs: 500, shaped: "down", targetPort: srv.port! });
const t0 = performance.now();
const r = await fetch(`http://${link.host}:${link.port}/`); console.log("first byte", performance.now() - t0);
const b = await r.arrayBuffer(); const dt = performance.now() - t0; console.log(b.byteLength, dt, "goodput kbps", b.byteLength * 8 / dt, "served", link.servedBytes, "drops", link.droppedPackets);
const ws = new WebSocket(`ws://${link.host}:${link.port}/`); await new Promise(r => ws.onopen = r);
const l: number[] = []; for (let i = 0; i < 30; i++) { const t = performance.now(); await new Promise(r => { ws.onmessage = r; ws.send("x"); }); l.push(performance.now() - t); await Bun.sleep(10); }
l.sort((a, b) => a - b); console.log("rtt min/med/max", l[0], l[15], l[29]); console.log("cpu", process.cpuUsage(), performance.now());
process.exit(0);
