import { readdirSync, readFileSync } from "node:fs";

const TICK_MS = 10; // USER_HZ is 100 on every Linux that Bun supports

/** The process and all its live descendants (Linux; elsewhere only the process itself). Zombies are dead. */
export function processTree(pid: number): number[] {
	const children = new Map<number, number[]>();
	for (const other of everyPid()) {
		const stat = readStat(other);
		if (!stat || stat.state === "Z") continue;
		children.set(stat.parent, [...(children.get(stat.parent) ?? []), other]);
	}
	const tree = isAlive(pid) ? [pid] : [];
	const pending = [pid];
	for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
		const found = children.get(next) ?? [];
		tree.push(...found);
		pending.push(...found);
	}
	return tree;
}

/** Whether the process still runs; an unreaped zombie does not. */
export function isAlive(pid: number): boolean {
	return birthmark(pid) !== null;
}

/** Tells a live process from a later one with the same number; null once it is gone. */
export function birthmark(pid: number): string | null {
	if (process.platform === "linux") {
		const stat = readStat(pid);
		return stat && stat.state !== "Z" ? `${pid}@${stat.startTicks}` : null;
	}
	try {
		process.kill(pid, 0);
		return `${pid}`;
	} catch {
		return null;
	}
}

/** Resident memory, summed; shared pages count once per process. Spread `processTree(pid)` to include children. */
export function rssBytes(...pids: number[]): number {
	return sum(pids, (pid) => {
		const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
		return Number(resident?.[1] ?? 0) * 1024;
	});
}

/** Processor time spent since the start, user and system, all threads; steps of 10 ms. */
export function cpuMs(...pids: number[]): number {
	return sum(pids, (pid) => {
		const stat = readStat(pid);
		if (!stat) throw new Error(`process ${pid} is gone`);
		return stat.ticks * TICK_MS;
	});
}

/** Open file descriptors, summed. */
export function openDescriptors(...pids: number[]): number {
	return sum(pids, (pid) => readdirSync(`/proc/${pid}/fd`).length);
}

function sum(pids: number[], measure: (pid: number) => number): number {
	return pids.reduce((total, pid) => total + measure(pid), 0);
}

function everyPid(): number[] {
	if (process.platform !== "linux") return [];
	return readdirSync("/proc").map(Number).filter(Number.isInteger);
}

interface Stat {
	state: string;
	parent: number;
	ticks: number;
	startTicks: number;
}

// proc_pid_stat(5). The command name may hold spaces and brackets, so fields count from the last bracket.
function readStat(pid: number): Stat | null {
	try {
		const text = readFileSync(`/proc/${pid}/stat`, "utf8");
		const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
		return {
			state: fields[0] ?? "Z",
			parent: Number(fields[1]),
			ticks: Number(fields[11]) + Number(fields[12]),
			startTicks: Number(fields[19]),
		};
	} catch {
		return null; // ended between the listing and the reading
	}
}
