// bun run bench NAME [--json] [options]: measures on this machine; figures of one run are compared within it.
const BENCHES: Record<string, string> = {
	agent:
		"CPU of the whole agent by what is in demand: two JPEG rungs beside H.264 and JPEG (--source CAMERA)",
	codecs: "kbit/s, SSIM and CPU of every rung, JPEG beside H.264 (--clip FILE, --lines N, --noise SIGMA)",
	control: "CPU per frame and viewer of the flow window and the choice of the rung",
	encode: "CPU per frame of every rung and of the conversion before it",
	fanout: "relay's CPU per delivered frame at 300 subscribers, beside a bare Bun.serve loop",
	network: "ages on screen over slow, changing links: the product beside what others do",
	mjpeg: "ages of motion JPEG over a slow link, beside a page's WebSocket",
	latency: "camera frame available to drawn in Chromium, 720p30; --codec h264 too",
	fuzz: "a million broken messages and 20 000 broken pictures at a relay that serves viewers",
	hostile: "good viewers beside stalled, idle, flooding and rung-changing ones",
	restart: "a relay killed under 1000 viewers: when each has a picture again, how often it dialed",
	rolling: "ten relays that replace each other under 1000 viewers: the longest gap anybody saw",
	sources: "100 sources that hang or vanish: when it is noticed, when healed, what leaks",
	soak: "memory of relay and agent while viewers come and go",
};

const [name, ...rest] = process.argv.slice(2);
if (!name || !Object.hasOwn(BENCHES, name)) {
	const known = Object.entries(BENCHES).map(([bench, what]) => `  ${bench.padEnd(10)}${what}`);
	if (name) console.error(`bench: there is no "${name}"`);
	console.log(`usage: bun run bench NAME [--json] [options of that bench]\n${known.join("\n")}`);
	process.exit(name ? 2 : 0);
}
const child = Bun.spawn([process.execPath, `${import.meta.dir}/${name}.ts`, ...rest], {
	stdio: ["inherit", "inherit", "inherit"],
});
for (const signal of ["SIGINT", "SIGTERM"] as const) process.on(signal, () => child.kill(signal));
process.exit(await child.exited);
