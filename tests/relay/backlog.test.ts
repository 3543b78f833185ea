import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import type { FrameHeader } from "#shared/frame.ts";
import { Backlog } from "../../relay/delivery/backlog.ts";
import { relayedFrame } from "../support/relayed-frame.ts";

const key = (seq: number, change: Partial<FrameHeader> = {}) => relayedFrame({ isKey: true, seq, ...change });
const delta = (seq: number, change: Partial<FrameHeader> = {}) => relayedFrame({ seq, ...change });
const seqsOf = (backlog: Backlog) => {
	const seqs: number[] = [];
	for (let head = backlog.head; head; head = backlog.head) {
		seqs.push(head.header.seq);
		backlog.shift();
	}
	return seqs;
};

describe("what waits", () => {
	test("begins with a key and goes on in order", () => {
		const backlog = new Backlog();
		expect(backlog.offer(delta(0))).toBe(false);
		for (const frame of [key(1), delta(2), delta(3)]) expect(backlog.offer(frame)).toBe(true);
		expect(seqsOf(backlog)).toEqual([1, 2, 3]);
		expect(backlog.offer(delta(4))).toBe(true);
	});

	test("is the newest alone where every frame is a key", () => {
		const backlog = new Backlog();
		for (let seq = 0; seq < 5; seq++) backlog.offer(key(seq, { codec: "jpeg" }));
		expect(backlog.replaced).toBe(4);
		expect(seqsOf(backlog)).toEqual([4]);
	});

	test.each([
		["a frame is missing", {}, 3],
		["the encoder began anew", { epoch: 2 }, 2],
		["it is of another rendition", { rendition: 203 }, 2],
	])("ends where %s, up to the next key; what came before is still good", (_, change, seq) => {
		const backlog = new Backlog();
		backlog.offer(key(0));
		backlog.offer(delta(1));
		expect(backlog.offer(delta(seq, change))).toBe(false);
		expect(backlog.following).toBeNull();
		expect(backlog.offer(delta(2))).toBe(false);
		expect(seqsOf(backlog)).toEqual([0, 1]);
		expect(backlog.offer(key(7, change))).toBe(true);
	});

	test("counts on beyond 2^32", () => {
		const backlog = new Backlog();
		backlog.offer(key(0xffff_ffff));
		expect(backlog.offer(delta(0))).toBe(true);
	});

	test("is as old as its oldest frame, but the newest alone is never too old", () => {
		const backlog = new Backlog();
		backlog.offer(key(0, { relayTime: 100 }));
		expect(backlog.ageMs(900)).toBe(0);
		backlog.offer(delta(1, { relayTime: 133 }));
		expect(backlog.ageMs(900)).toBe(800);
		backlog.shift();
		expect(backlog.ageMs(900)).toBe(0);
	});

	test("is given up whole when the socket refuses its head", () => {
		const backlog = new Backlog();
		for (const frame of [key(0), delta(1), delta(2)]) backlog.offer(frame);
		backlog.lose();
		expect([backlog.length, backlog.replaced, backlog.following]).toEqual([0, 2, null]);
	});
});

test("whatever comes and goes, what is taken out can be decoded, and each frame is accounted for once", () => {
	const frame = fc.record({
		isKey: fc.boolean(),
		rendition: fc.constantFrom(203, 204),
		epoch: fc.integer({ min: 1, max: 2 }),
		step: fc.constantFrom(1, 1, 1, 1, 2),
	});
	const action = fc.oneof(
		{ weight: 4, arbitrary: frame },
		{ weight: 3, arbitrary: fc.constant("send" as const) },
		{ weight: 1, arbitrary: fc.constantFrom("refuse" as const, "cut" as const) },
	);
	fc.assert(
		fc.property(fc.array(action, { maxLength: 200 }), (actions) => {
			const backlog = new Backlog();
			const seqs = new Map<string, number>();
			const sent: FrameHeader[] = [];
			let [taken, refused] = [0, 0];
			for (const one of actions) {
				if (one === "cut") backlog.cut();
				else if (one === "send" || one === "refuse") {
					const { head } = backlog;
					if (!head) continue;
					if (one === "refuse") {
						refused++;
						backlog.lose();
					} else {
						sent.push(head.header);
						backlog.shift();
					}
				} else {
					const { isKey, rendition, epoch, step } = one;
					const seq = (seqs.get(`${rendition} ${epoch}`) ?? 0) + step;
					seqs.set(`${rendition} ${epoch}`, seq);
					if (backlog.offer(relayedFrame({ isKey, rendition, epoch, seq }))) taken++;
				}
				expect(taken).toBe(sent.length + refused + backlog.replaced + backlog.length);
			}
			for (const [i, { isKey, rendition, epoch, seq }] of sent.entries())
				if (!isKey) expect(sent[i - 1]).toMatchObject({ rendition, epoch, seq: seq - 1 });
		}),
	);
});
