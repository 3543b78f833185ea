import { Histogram } from "./histogram.ts";

// The targets of a live picture lie between: 80 ms on a LAN, 250 ms on a slow link.
const AGE_BOUNDS_MS = [10, 20, 35, 50, 80, 120, 180, 250, 400, 700, 1_000, 2_000, 5_000];
const ENCODE_BOUNDS_MS = [2, 5, 10, 15, 20, 30, 50, 80, 150, 300, 1_000];

/** What became of one camera's frames since the relay knows it: counters that never go back. */
export class Traffic {
	readonly sent = { frames: 0, bytes: 0 };
	/** Given up while they waited for a viewer, because a newer one came or a key is to come. */
	replaced = 0;
	/** Refused by a viewer's socket. */
	dropped = 0;
	/** Left out because the viewer takes fewer frames than the camera makes. */
	notDue = 0;
	/** Of no use to the viewer, which waits for a key: they build on a frame it was not given. */
	awaitingKey = 0;
	/** Ms from capture to being handed to a viewer's socket; without the first frame from the cache, which may be old. */
	readonly age = new Histogram(AGE_BOUNDS_MS);
	/** Ms from capture to encoded, in the agent's words. */
	readonly encoding = new Histogram(ENCODE_BOUNDS_MS);

	/** Notes a frame handed to a viewer's socket; `ageMs` is null for one that was kept for joiners. */
	noteSent(bytes: number, ageMs: number | null): void {
		this.sent.frames++;
		this.sent.bytes += bytes;
		if (ageMs !== null) this.age.add(Math.max(0, ageMs)); // clocks agree to a few ms only
	}
}
