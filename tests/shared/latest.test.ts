import { expect, test } from "bun:test";
import fc from "fast-check";
import { Latest } from "#shared/latest.ts";

test("the newest value replaces the waiting one, which is handed back and counted", () => {
	const freed: number[] = [];
	const box = new Latest<number>((old) => freed.push(old));
	expect(box.offer(1)).toBe(false);
	expect(box.offer(2)).toBe(true);
	expect(box.take()).toBe(2);
	expect(box.take()).toBeNull();
	expect(freed).toEqual([1]);
	expect(box.replaced).toBe(1);
});

test("clear frees without counting: nobody superseded it", () => {
	const freed: number[] = [];
	const box = new Latest<number>((old) => freed.push(old));
	box.offer(1);
	box.clear();
	expect([freed, box.replaced, box.isEmpty]).toEqual([[1], 0, true]);
});

test("a waiter gets the next value, and null once the signal aborts", async () => {
	const box = new Latest<number>();
	const stopping = new AbortController();
	const first = box.next(stopping.signal);
	box.offer(7);
	expect(await first).toBe(7);
	const second = box.next(stopping.signal);
	stopping.abort();
	expect(await second).toBeNull();
});

test("every value offered is taken, freed or still waiting, exactly once", () => {
	fc.assert(
		fc.property(fc.array(fc.constantFrom("offer", "take", "clear")), (steps) => {
			let offered = 0;
			let seen = 0;
			const box = new Latest<number>(() => seen++);
			for (const step of steps) {
				if (step === "offer") box.offer(++offered);
				else if (step === "clear") box.clear();
				else if (box.take() !== null) seen++;
			}
			expect(seen + (box.isEmpty ? 0 : 1)).toBe(offered);
		}),
	);
});
