import { describe, expect, test } from "bun:test";
import { Backlog, type Encoded } from "../../agent/backlog.ts";

class Piece implements Encoded {
	static freed: string[] = [];

	readonly name: string;
	readonly isKey: boolean;
	readonly byteLength: number;

	constructor(name: string, isKey: boolean, byteLength = 1000) {
		this.name = name;
		this.isKey = isKey;
		this.byteLength = byteLength;
	}

	free(): void {
		Piece.freed.push(this.name);
	}
}

function names(backlog: Backlog<Piece>): string[] {
	const taken: string[] = [];
	for (let next = backlog.take(); next; next = backlog.take())
		taken.push(`${next.gap ? "|" : ""}${next.encoded.name}`);
	return taken;
}

function filled(...pieces: string[]): Backlog<Piece> {
	Piece.freed = [];
	const backlog = new Backlog<Piece>();
	for (const name of pieces) backlog.offer(new Piece(name, name.startsWith("K")));
	return backlog;
}

describe("backlog", () => {
	test("starts at a key picture and gives the rest in order", () => {
		const backlog = filled("p0", "p1", "K2", "p3", "p4");
		expect(Piece.freed).toEqual(["p0", "p1"]);
		expect(names(backlog)).toEqual(["|K2", "p3", "p4"]);
		expect(backlog.replaced).toBe(2);
	});

	test("a key picture replaces what waits: only the present is decoded", () => {
		const backlog = filled("K0", "p1", "p2", "K3", "p4");
		expect(Piece.freed).toEqual(["K0", "p1", "p2"]);
		expect(names(backlog)).toEqual(["|K3", "p4"]);
	});

	test("of key pictures alone it holds one, the newest", () => {
		const backlog = filled("K0", "K1", "K2");
		expect(backlog.length).toBe(1);
		expect(names(backlog)).toEqual(["|K2"]);
	});

	test("no gap is told where nothing was left out", () => {
		const backlog = filled("K0", "p1");
		expect(names(backlog)).toEqual(["K0", "p1"]);
		backlog.offer(new Piece("p2", false));
		expect(names(backlog)).toEqual(["p2"]);
		backlog.offer(new Piece("K3", true));
		expect(names(backlog)).toEqual(["K3"]);
	});

	test.each([
		["pictures", 601, 1000],
		["bytes", 40, 1024 * 1024],
	])("beyond its bound of %s it drops everything and waits for a key picture", (_what, count, byteLength) => {
		const backlog = filled("K0");
		for (let i = 1; i < count; i++) backlog.offer(new Piece(`p${i}`, false, byteLength));
		expect(backlog.length).toBe(0);
		backlog.offer(new Piece("late", false));
		expect(backlog.length).toBe(0);
		backlog.offer(new Piece("K", true));
		expect(names(backlog)).toEqual(["|K"]);
		expect(backlog.replaced).toBe(count + 1);
		expect(Piece.freed).toHaveLength(count + 1);
	});

	test("after damage it skips to the next key picture, which may be there already", () => {
		const backlog = filled("K0", "p1", "p2");
		backlog.take();
		backlog.skipToKey();
		backlog.offer(new Piece("p3", false));
		expect(backlog.length).toBe(0);
		backlog.offer(new Piece("K4", true));
		backlog.skipToKey();
		expect(names(backlog)).toEqual(["|K4"]);
	});

	test("wakes its waiter for a piece and for an abort", async () => {
		const backlog = filled();
		const waiting = backlog.whenFilled(new AbortController().signal);
		backlog.offer(new Piece("K0", true));
		await waiting;
		names(backlog);
		const ending = new AbortController();
		const ended = backlog.whenFilled(ending.signal);
		ending.abort();
		await ended;
	});

	test("frees what waits when closed", () => {
		filled("K0", "p1").close();
		expect(Piece.freed).toEqual(["K0", "p1"]);
	});
});
