/** How one direction of a link treats bytes. */
export interface Path {
	/** Bytes per second; Infinity for no limit. */
	rateBps: number;
	/** Added to every byte after the rate has been paid. */
	delayMs: number;
}

/** The half of a socket that a direction writes to. */
export interface Sink {
	/** How many bytes the kernel took; fewer than given means: call `drained` later. Negative when closed. */
	write(bytes: Uint8Array): number;
	/** Sends FIN after what was written. */
	end(): void;
}

/** The half of a socket that a direction reads from. */
export interface Source {
	pause(): void;
	resume(): void;
}

const STEP_MS = 4; // bytes leave in portions this long, so a slow rate trickles instead of arriving in lumps
const FLYING_MAX_BYTES = 4_000_000; // only an unlimited rate with a delay comes near

/** One direction of one connection: a bounded queue, served at a rate, followed by a delay. Order is kept. */
export class OneWay {
	delivered = 0;
	#queue: { bytes: Uint8Array; arrived: number }[] = [];
	#queued = 0;
	#flying: { bytes: Uint8Array; due: number }[] = [];
	#flew = 0;
	#servedUntil = 0;
	#ended: "no" | "asked" | "sent" = "no";
	#blocked = false;
	#paused = false;
	#frozen = false;
	#timer: Timer | undefined;
	readonly #source: Source;
	readonly #sink: Sink;
	readonly #path: Readonly<Path>;
	readonly #limitBytes: number;

	/** `path` is read afresh at each step: change its fields, then call `nudge`. */
	constructor(ends: { source: Source; sink: Sink }, path: Readonly<Path>, limitBytes: number) {
		this.#source = ends.source;
		this.#sink = ends.sink;
		this.#path = path;
		this.#limitBytes = limitBytes;
	}

	/** Bytes held here: queued, under way, or refused by the sink so far. */
	get heldBytes(): number {
		return this.#queued + this.#flew;
	}

	/** Takes a copy of what the source read. */
	push(bytes: Uint8Array): void {
		this.#queue.push({ bytes: bytes.slice(), arrived: performance.now() });
		this.#queued += bytes.byteLength;
		this.nudge();
	}

	/** The source has sent FIN: pass it on behind the last byte. */
	end(): void {
		if (this.#ended === "no") this.#ended = "asked";
		this.nudge();
	}

	/** The sink has room again. */
	drained(): void {
		if (this.#blocked) this.#servedUntil = performance.now(); // the line stood still meanwhile: no catching up
		this.#blocked = false;
		this.nudge();
	}

	/** Nothing moves, not even FIN, and nothing is lost. */
	freeze(): void {
		this.#frozen = true;
		clearTimeout(this.#timer);
	}

	/** Moves again; what waited pays its rate from now on. */
	thaw(): void {
		this.#frozen = false;
		this.#servedUntil = performance.now();
		this.nudge();
	}

	/** Drops everything; nothing moves any more. */
	stop(): void {
		this.freeze();
		this.#queue = [];
		this.#flying = [];
		this.#queued = this.#flew = 0;
	}

	/** Does whatever is due now and sets the timer for what comes next. */
	nudge(): void {
		clearTimeout(this.#timer);
		if (this.#frozen) return this.#regulate();
		const now = performance.now();
		const nextDeparture = this.#depart(now);
		const nextArrival = this.#arrive(now);
		this.#regulate();
		const next = Math.min(nextDeparture, nextArrival);
		if (next < Infinity) this.#timer = setTimeout(() => this.nudge(), Math.max(0, next - now));
	}

	#depart(now: number): number {
		while (!this.#blocked && this.#flew < FLYING_MAX_BYTES) {
			const head = this.#queue[0];
			if (!head) break;
			const portion = Math.max(64, Math.ceil((this.#path.rateBps * STEP_MS) / 1000));
			const bytes = head.bytes.subarray(0, portion);
			const started = Math.max(this.#servedUntil, head.arrived);
			const finished = started + (bytes.byteLength / this.#path.rateBps) * 1000;
			if (finished > now) return finished;
			this.#servedUntil = finished;
			this.#queued -= bytes.byteLength;
			this.#flew += bytes.byteLength;
			this.#flying.push({ bytes, due: finished + this.#path.delayMs });
			head.bytes = head.bytes.subarray(bytes.byteLength);
			if (head.bytes.byteLength === 0) this.#queue.shift();
		}
		return Infinity;
	}

	#arrive(now: number): number {
		while (!this.#blocked) {
			const head = this.#flying[0];
			if (!head) break;
			if (head.due > now) return head.due;
			const taken = Math.max(0, this.#sink.write(head.bytes));
			this.delivered += taken;
			this.#flew -= taken;
			this.#blocked = taken < head.bytes.byteLength;
			if (this.#blocked) head.bytes = head.bytes.subarray(taken);
			else this.#flying.shift();
		}
		if (this.#ended === "asked" && this.heldBytes === 0) {
			this.#ended = "sent";
			this.#sink.end();
		}
		return Infinity;
	}

	#regulate(): void {
		const twoSteps = (this.#path.rateBps * STEP_MS * 2) / 1000; // less would starve a fast rate between timers
		const full = this.#queued >= Math.max(this.#limitBytes, Number.isFinite(twoSteps) ? twoSteps : 0);
		if (full === this.#paused) return;
		this.#paused = full;
		if (full) this.#source.pause();
		else this.#source.resume();
	}
}
