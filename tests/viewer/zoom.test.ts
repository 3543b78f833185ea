import { describe, expect, test } from "bun:test";
import fc from "fast-check";
import { FIT, MAX_ZOOM, panBy, type Room, within, zoomAt } from "../../viewer/zoom/zoom.ts";

const ROOM: Room = { box: { width: 800, height: 600 }, picture: { width: 1280, height: 720 } };
const side = fc.integer({ min: 100, max: 4_000 });
const rooms = fc.record({
	box: fc.record({ width: side, height: side }),
	picture: fc.record({ width: side, height: side }),
});
const offset = fc.integer({ min: -5_000, max: 5_000 });

/** Where the picture's edges are in the box. */
function edges({ scale, x, y }: { scale: number; x: number; y: number }, { box, picture }: Room) {
	const fit = Math.min(box.width / picture.width, box.height / picture.height);
	const [w, h] = [picture.width * fit, picture.height * fit];
	const [left, top] = [x + ((box.width - w) / 2) * scale, y + ((box.height - h) / 2) * scale];
	return { left, top, right: left + w * scale, bottom: top + h * scale };
}

describe("a zoomed picture", () => {
	test("keeps the point under the pointer where it is, unless that would show emptiness", () => {
		const zoom = zoomAt(FIT, 2, { x: 400, y: 300 }, ROOM);
		expect(zoom).toEqual({ scale: 2, x: -400, y: -300 });
		expect(zoomAt(FIT, 2, { x: 0, y: 300 }, ROOM).x).toBeCloseTo(0);
	});

	test("is between the whole picture and the largest zoom", () => {
		expect(zoomAt(FIT, 1_000, { x: 1, y: 1 }, ROOM).scale).toBe(MAX_ZOOM);
		expect(zoomAt({ scale: 3, x: -90, y: -90 }, 0.001, { x: 1, y: 1 }, ROOM)).toEqual(FIT);
	});

	test("covers the box where it is larger, and stands in its middle where it is smaller", () => {
		fc.assert(
			fc.property(
				rooms,
				fc.double({ min: 1.01, max: MAX_ZOOM, noNaN: true }),
				offset,
				offset,
				(room, scale, x, y) => {
					const { left, top, right, bottom } = edges(within({ scale, x, y }, room), room);
					const { width, height } = room.box;
					for (const [from, to, box] of [
						[left, right, width],
						[top, bottom, height],
					] as const) {
						if (to - from >= box) {
							expect(from).toBeLessThanOrEqual(1e-6);
							expect(to).toBeGreaterThanOrEqual(box - 1e-6);
						} else expect(from).toBeCloseTo(box - to, 6);
					}
				},
			),
		);
	});

	test("moves with the hand and no further than its edge", () => {
		const zoom = { scale: 2, x: -400, y: -300 };
		expect(panBy(zoom, { x: 30, y: -20 }, ROOM)).toEqual({ scale: 2, x: -370, y: -320 });
		expect(panBy(zoom, { x: 9_999, y: 0 }, ROOM).x).toBeCloseTo(0);
		expect(panBy(FIT, { x: 50, y: 50 }, ROOM)).toEqual(FIT);
	});
});
