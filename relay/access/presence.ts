import type { CloseReason } from "#shared/close.ts";
import { Log } from "#shared/log.ts";
import { Attempted } from "../faults.ts";
import type { Session } from "../socket.ts";
import type { Access } from "./access.ts";
import { groupOf } from "./attempts.ts";
import type { Caller } from "./door.ts";
import { newTokenId } from "./tokens.ts";
import { denialFor, Visitor } from "./visitor.ts";

const SECOND_MS = 1_000;
const FORGET_EVERY = 600; // seconds

/** What can be ended from outside. */
export interface Ending {
	close(reason: CloseReason, words: string): void;
}
type Endable = Session & Ending;

/** Messages a second that no honest peer reaches. */
const RATES = {
	viewer: { text: 100, binary: 5_000 }, // an ack a frame: 64 cameras at 60 frames are 3 840
	agent: { text: 1_000, binary: 40_000 },
} as const;

export interface PresenceLimits {
	/** Connections in all. */
	connections: number;
	/** Of one address (one /64 of IPv6). */
	perAddress: number;
}

/** Somebody who watches. */
export interface Present {
	id: string;
	caller: Caller;
	visitor: Visitor;
	since: number;
	/** Ids of the cameras it is subscribed to. */
	cameras: () => string[];
	session: Ending;
}

/** An agent's connection. */
interface Publishing {
	/** Whether its keys still open all that it publishes. */
	mayStay: () => boolean;
	session: Endable;
}

const log = new Log("relay");

/** Everybody who is connected: how many at most, how loud at most, and for how long they may stay. */
export class Presence {
	readonly #access: Access;
	readonly #limits: PresenceLimits;
	readonly #guards = new Set<Guard>();
	readonly #perAddress = new Map<string, number>();
	readonly #publishing = new Set<Publishing>();
	readonly #watching = new Map<string, Present>();
	readonly #timer: ReturnType<typeof setInterval>;
	#connections = 0;
	#turns = 0;
	readonly #keeping = new Attempted("writing to DATA_DIR");
	readonly #reading = new Attempted("reading from DATA_DIR");

	constructor(access: Access, limits: PresenceLimits) {
		this.#access = access;
		this.#limits = limits;
		this.#timer = setInterval(() => this.#turn(), SECOND_MS);
	}

	get watching(): Iterable<Present> {
		return this.#watching.values();
	}

	/** Whether one more connection of this address fits. */
	hasRoom(address: string): boolean {
		const own = this.#perAddress.get(groupOf(address)) ?? 0;
		return this.#connections < this.#limits.connections && own < this.#limits.perAddress;
	}

	/** Counts an agent's connection until it closes, and closes it when its key counts no more. */
	agent(session: Endable, { caller, mayStay }: Pick<Publishing, "mayStay"> & { caller: Caller }): Session {
		const publishing: Publishing = { mayStay, session };
		this.#publishing.add(publishing);
		return this.#guard(session, caller, RATES.agent, () => this.#publishing.delete(publishing));
	}

	/** Counts a viewer's connection until it closes, and closes it when it may see no more. */
	viewer(session: Endable, watcher: Pick<Present, "caller" | "visitor" | "cameras">): Session {
		const left = this.#seen(session, watcher);
		return this.#guard(session, watcher.caller, RATES.viewer, left);
	}

	/** The same for somebody who watches by a plain HTTP request; call what it returns when that is over. */
	reader(request: Ending, watcher: Pick<Present, "caller" | "visitor" | "cameras">): () => void {
		const left = this.#seen(request, watcher);
		const uncount = this.#count(watcher.caller);
		return () => {
			if (left()) uncount();
		};
	}

	/** Closes agents whose keys open no more what they publish: call after every change of keys. */
	recheckKeys(): void {
		for (const { session, mayStay } of [...this.#publishing])
			if (!mayStay()) session.close("badKey", "this key counts no more");
	}

	/** Closes what lost its access: call after every revocation. */
	recheck(): void {
		const now = Date.now();
		for (const { visitor, session, caller, cameras } of [...this.#watching.values()]) {
			const lost = visitor.passes.map((pass) => this.#access.lostBy(pass, now)).find((why) => why !== null);
			if (!lost) continue;
			const kept = visitor.passes.filter((pass) => this.#access.lostBy(pass, now) === null);
			const left = new Visitor(this.#access.policy, kept);
			const goesOn = kept.length > 0 || cameras().some((id) => left.sees(id));
			log.info("access ended", { address: caller.address, why: lost });
			if (goesOn) session.close("restarting", "what you may watch has changed");
			else session.close(lost, denialFor(lost, visitor.passes[0]!).words);
		}
	}

	/** Ends one connection; false when it is gone already. */
	disconnect(id: string): boolean {
		const present = this.#watching.get(id);
		present?.session.close("disconnected", "an operator ended this connection");
		return present !== undefined;
	}

	stop(): void {
		clearInterval(this.#timer);
	}

	/** Operators see it from now on, until the returned function is called, which is true the first time. */
	#seen(session: Ending, watcher: Pick<Present, "caller" | "visitor" | "cameras">): () => boolean {
		const present: Present = { ...watcher, id: newTokenId(), since: Date.now(), session };
		this.#watching.set(present.id, present);
		return () => this.#watching.delete(present.id);
	}

	/** Counts a connection until the returned function is called. */
	#count({ address }: Caller): () => void {
		const group = groupOf(address);
		this.#connections++;
		this.#perAddress.set(group, (this.#perAddress.get(group) ?? 0) + 1);
		return () => {
			this.#connections--;
			const left = this.#perAddress.get(group)! - 1;
			if (left > 0) this.#perAddress.set(group, left);
			else this.#perAddress.delete(group);
		};
	}

	#guard(session: Endable, caller: Caller, rates: Rates, closed: () => void): Session {
		const uncount = this.#count(caller);
		const guard = new Guard(session, rates, () => {
			if (!this.#guards.delete(guard)) return;
			closed();
			uncount();
		});
		this.#guards.add(guard);
		return guard;
	}

	#turn(): void {
		for (const guard of this.#guards) guard.begin();
		const { records } = this.#access;
		this.#keeping.run(() => records.writeLate());
		if (this.#turns++ % FORGET_EVERY === 0) this.#keeping.run(() => records.forgetExpired(Date.now()));
		if (this.#reading.run(() => this.#access.refresh())) this.recheckKeys();
		this.recheck();
	}
}

type Rates = (typeof RATES)[keyof typeof RATES];

/** Passes a session's events on as long as they are not too many. */
class Guard implements Session {
	readonly #session: Endable;
	readonly #rates: Rates;
	readonly #onClosed: () => void;
	#texts = 0;
	#binaries = 0;
	#isOver = false;

	constructor(session: Endable, rates: Rates, onClosed: () => void) {
		this.#session = session;
		this.#rates = rates;
		this.#onClosed = onClosed;
	}

	/** A new second begins. */
	begin(): void {
		this.#texts = 0;
		this.#binaries = 0;
	}

	text(message: string): void {
		if (++this.#texts > this.#rates.text) this.#flood();
		else if (!this.#isOver) this.#session.text(message);
	}

	binary(message: Uint8Array): void {
		if (++this.#binaries > this.#rates.binary) this.#flood();
		else if (!this.#isOver) this.#session.binary(message);
	}

	pong(payload: Uint8Array): void {
		if (++this.#binaries > this.#rates.binary) this.#flood();
		else if (!this.#isOver) this.#session.pong(payload);
	}

	drained(): void {
		this.#session.drained();
	}

	closed(): void {
		this.#onClosed();
		this.#session.closed();
	}

	#flood(): void {
		if (this.#isOver) return;
		this.#isOver = true; // what is on its way still arrives
		this.#session.close("flooding", "too many messages");
	}
}
