import { readFileSync } from "node:fs";
import { type Finding, ok } from "#shared/finding.ts";

const FOLDER = "/proc/sys/net/ipv4";
const NOTSENT_DEFAULT = 4_294_967_295; // bytes: no limit
const NOTSENT_ADVISED = 131_072;

/** How this kernel sends, where it says so (Linux). None of it is needed: the acknowledgements keep its buffers empty. */
export function kernelFindings(): Finding[] {
	const notsent = setting("tcp_notsent_lowat");
	const control = setting("tcp_congestion_control");
	const afterIdle = setting("tcp_slow_start_after_idle");
	return [
		...(notsent === null ? [] : [notsentFinding(Number(notsent))]),
		...(control === null ? [] : [ok("congestion", `control by ${control}`)]),
		...(afterIdle === null ? [] : [afterIdleFinding(afterIdle)]),
	];
}

function notsentFinding(bytes: number): Finding {
	const topic = "unsent bytes";
	if (bytes < NOTSENT_DEFAULT)
		return ok(topic, `the kernel holds ${bytes} of a connection before it says full`);
	const advice = `a second line behind the acknowledgements: sysctl -w net.ipv4.tcp_notsent_lowat=${NOTSENT_ADVISED}`;
	return ok(topic, "the kernel holds as many as its buffers take", advice);
}

function afterIdleFinding(value: string): Finding {
	if (value === "0") return ok("after idle", "connections keep their speed");
	return ok("after idle", "connections start slowly again", "sysctl -w net.ipv4.tcp_slow_start_after_idle=0");
}

function setting(name: string): string | null {
	try {
		return readFileSync(`${FOLDER}/${name}`, "utf8").trim();
	} catch {
		return null;
	}
}
