import { readdirSync, readFileSync, statSync } from "node:fs";
import { basename, join } from "node:path";

const HEADER = "time_ms,kbit_per_s";

interface Step {
	timeMs: number;
	/** kbit/s are bits a millisecond. */
	kbps: number;
}

/** What a link carries over time: a rate that holds until the next step and starts over at the end. */
export class Trace {
	readonly name: string;
	/** One round. */
	readonly lengthMs: number;
	readonly #steps: readonly Step[];
	readonly #bytesBefore: number[]; // bytes of the round up to the beginning of each step, then of all of it

	/** Steps in order of time, the first at 0. Throws a RangeError for a trace that carries nothing at all. */
	constructor(name: string, steps: readonly Step[], lengthMs: number) {
		this.name = name;
		this.lengthMs = lengthMs;
		this.#steps = steps;
		this.#bytesBefore = [0];
		for (const [i, { timeMs, kbps }] of steps.entries()) {
			const endMs = steps[i + 1]?.timeMs ?? lengthMs;
			this.#bytesBefore.push(this.#bytesBefore[i]! + ((endMs - timeMs) * kbps) / 8);
		}
		if (!(this.#roundBytes > 0)) throw new RangeError(`trace ${name}: the link never carries anything`);
	}

	get meanKbps(): number {
		return (this.#roundBytes * 8) / this.lengthMs;
	}

	/** Bytes that a link which never rests has carried `timeMs` after its start. */
	bytesUntil(timeMs: number): number {
		const rounds = Math.floor(timeMs / this.lengthMs);
		const inRound = timeMs - rounds * this.lengthMs;
		const i = lastAtMost(this.#steps, inRound, ({ timeMs: start }) => start);
		const { timeMs: start, kbps } = this.#steps[i]!;
		return rounds * this.#roundBytes + this.#bytesBefore[i]! + ((inRound - start) * kbps) / 8;
	}

	/** The first instant at which `bytesUntil` is `bytes`. */
	timeOf(bytes: number): number {
		const rounds = Math.max(0, Math.ceil(bytes / this.#roundBytes) - 1);
		const inRound = bytes - rounds * this.#roundBytes;
		// Strictly less: at the end of an outage the bytes are the same as at its beginning.
		const i = Math.max(
			0,
			lastAtMost(this.#bytesBefore, inRound - 1e-6, (before) => before),
		);
		const { timeMs: start, kbps } = this.#steps[Math.min(i, this.#steps.length - 1)]!;
		const more = inRound - this.#bytesBefore[i]!;
		return rounds * this.lengthMs + start + (more > 0 ? (more * 8) / kbps : 0);
	}

	kbpsAt(timeMs: number): number {
		const inRound = timeMs - Math.floor(timeMs / this.lengthMs) * this.lengthMs;
		return this.#steps[lastAtMost(this.#steps, inRound, ({ timeMs: start }) => start)]!.kbps;
	}

	get #roundBytes(): number {
		return this.#bytesBefore.at(-1)!;
	}
}

/** A link that always carries the same. */
export function steady(name: string, kbps: number): Trace {
	return new Trace(name, [{ timeMs: 0, kbps }], 1_000);
}

/** Reads `time_ms,kbit_per_s` rows; throws an Error naming file and line. */
export function parseTrace(name: string, text: string): Trace {
	const [header, ...rows] = text.trim().split(/\r?\n/);
	const fail = (line: number, words: string): never => {
		throw new Error(`${name}:${line}: ${words}`);
	};
	if (header?.trim() !== HEADER) fail(1, `expected "${HEADER}"`);
	if (rows.length < 2) fail(2, "expected two rows or more");
	const steps = rows.map((row, i) => {
		const cells = row.split(",");
		const [timeMs = Number.NaN, kbps = Number.NaN] = cells.map((cell) => (cell.trim() ? Number(cell) : NaN));
		if (cells.length !== 2 || !(timeMs >= 0 && kbps >= 0 && Number.isFinite(timeMs + kbps)))
			fail(i + 2, `expected "TIME,RATE", got ${JSON.stringify(row)}`);
		return { timeMs, kbps };
	});
	const first = steps[0]!.timeMs;
	for (const [i, step] of steps.entries()) {
		step.timeMs -= first;
		if (i > 0 && step.timeMs <= steps[i - 1]!.timeMs) fail(i + 2, "the time does not grow");
	}
	const [beforeLast, last] = [steps.at(-2)!, steps.at(-1)!];
	return new Trace(name, steps, 2 * last.timeMs - beforeLast.timeMs); // the last row lasts as long as the one before
}

/** The trace of a file, or all of a folder, ordered by name. */
export function readTraces(path: string): Trace[] {
	const names = statSync(path).isDirectory()
		? readdirSync(path)
				.filter((name) => name.endsWith(".csv"))
				.sort()
				.map((name) => join(path, name))
		: [path];
	if (names.length === 0) throw new Error(`${path}: no .csv file in it`);
	return names.map((name) => parseTrace(basename(name, ".csv"), readFileSync(name, "utf8")));
}

const SECOND = 1_000;

/** Traces of this bench's own making. */
export const SYNTHETIC = {
	fast: () => steady("fast", 100_000),
	steady6: () => steady("steady6", 6_000),
	slow300k: () => steady("slow300k", 300),
	drop10x: () =>
		new Trace(
			"drop10x",
			[
				{ timeMs: 0, kbps: 20_000 },
				{ timeMs: 20 * SECOND, kbps: 2_000 },
				{ timeMs: 50 * SECOND, kbps: 20_000 },
			],
			80 * SECOND,
		),
	/** 8 Mbit/s, nothing at all for the last 2 s of every 20 s. */
	outages: () =>
		new Trace(
			"outages",
			[
				{ timeMs: 0, kbps: 8_000 },
				{ timeMs: 18 * SECOND, kbps: 0 },
			],
			20 * SECOND,
		),
	wander,
} as const;

/** A mobile link's ups and downs: a random walk around 5 Mbit/s with a new rate every 100 ms, always the same one. */
function wander(): Trace {
	let seed = 1;
	const random = () => {
		seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fff_ffff; // the C standard's example of rand()
		return seed / 0x7fff_ffff;
	};
	let level = 0; // of the rate's logarithm
	const steps = Array.from({ length: 600 }, (_, i) => {
		level = 0.97 * level + 0.35 * (random() + random() - 1);
		return { timeMs: i * 100, kbps: Math.round(4_500 * Math.exp(level)) };
	});
	return new Trace("wander", steps, 60 * SECOND);
}

/** Index of the last entry whose key is at most `limit`; entries ordered by key; -1 when there is none. */
function lastAtMost<T>(entries: readonly T[], limit: number, keyOf: (entry: T) => number): number {
	let from = 0;
	let to = entries.length;
	while (from < to) {
		const middle = (from + to) >> 1;
		if (keyOf(entries[middle]!) <= limit) from = middle + 1;
		else to = middle;
	}
	return from - 1;
}
