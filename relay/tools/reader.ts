import type { Caller } from "../access/door.ts";
import type { Ending, Presence } from "../access/presence.ts";
import type { Visitor } from "../access/visitor.ts";
import type { Line } from "./line.ts";
import { HttpProblem } from "./query.ts";

const RETRY_S = 10;

/** Somebody who asks by plain HTTP, what they may see, and the connection they came by. */
export interface Reader {
	request: Request;
	visitor: Visitor;
	caller: Caller;
	line: Line;
}

/**
 * Makes a reader one of those who are connected: counted, seen by operators, ended by them and when its access ends.
 * Call what it returns when it is over. Throws HttpProblem 503 when there is no room.
 */
export function enter(
	presence: Presence,
	{ caller, visitor }: Reader,
	{ cameras, ending }: { cameras: readonly string[]; ending: Ending },
): () => void {
	if (!presence.hasRoom(caller.address)) throw new HttpProblem(503, "too many connections", RETRY_S);
	return presence.reader(ending, { caller, visitor, cameras: () => [...cameras] });
}
