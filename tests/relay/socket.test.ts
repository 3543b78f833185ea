import { expect, mock, test } from "bun:test";
import type { ServerWebSocket } from "bun";
import { ProtocolError } from "#shared/errors.ts";
import { faults } from "../../relay/faults.ts";
import { type Accepted, type Session, type Socket, websocket } from "../../relay/socket.ts";

/** What Bun hands to the handlers, recording what is done with it. */
function fakeSocket(session: Partial<Session>, sendResult = 1) {
	const closed: [number, string][] = [];
	let given: Socket | null = null;
	const data: Accepted = {
		session: null,
		start(socket) {
			given = socket;
			return { text() {}, binary() {}, pong() {}, drained() {}, closed() {}, ...session };
		},
	};
	const ws = {
		data,
		sendText: () => sendResult,
		sendBinary: () => sendResult,
		getBufferedAmount: () => 123,
		cork: (sends: () => void) => sends(),
		close: (code: number, reason: string) => closed.push([code, reason]),
	} as unknown as ServerWebSocket<Accepted>;
	websocket.open!(ws);
	return { ws, closed, socket: given as unknown as Socket };
}

const fails = (cause: unknown) => () => {
	throw cause;
};

test("a handler that throws is logged, counted, and closes that connection with 1011", () => {
	const printed = mock();
	const original = console.error;
	console.error = printed;
	const before = faults.count;
	const { ws, closed } = fakeSocket({ text: fails(new Error("boom")), binary: fails("odd") });
	websocket.message!(ws, "x");
	websocket.message!(ws, Buffer.of(1));
	console.error = original;
	expect(faults.count).toBe(before + 2);
	expect(String(printed.mock.calls[0]?.[0])).toContain("boom");
	expect(closed).toEqual([
		[1011, "internal error, see the relay's log"],
		[1011, "internal error, see the relay's log"],
	]);
});

test("what breaks the protocol is no fault of ours: 4400 with what was wrong, at most 120 bytes of it", () => {
	const before = faults.count;
	const { ws, closed } = fakeSocket({ text: fails(new ProtocolError(`field: ${"é".repeat(200)}`)) });
	websocket.message!(ws, "x");
	expect(faults.count).toBe(before);
	expect(closed[0]![0]).toBe(4400);
	expect(Buffer.byteLength(closed[0]![1])).toBeLessThanOrEqual(120);
	expect(closed[0]![1]).not.toContain("\ufffd");
});

test.each([
	[500, true, 0],
	[-1, true, 123],
	[0, false, 123],
])("send() === %d is told as accepted: %p, with %d bytes buffered", (result, isAccepted, buffered) => {
	const { socket } = fakeSocket({}, result);
	expect(socket.sendBinary(new Uint8Array(500))).toBe(isAccepted);
	expect(socket.sendText("x")).toBe(isAccepted);
	expect(socket.bufferedBytes).toBe(buffered);
});
