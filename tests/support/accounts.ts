import { until } from "./until.ts";

/** The counters of one camera as the relay tells them. */
export interface Accounts {
	viewers: number;
	counters: {
		received: { frames: number; bytes: number; refused: number };
		agent: {
			captured: number;
			replaced: number;
			renditions: { id: number; encoded: number; notEncoded: number; refused: number }[];
		} | null;
		/** Of the viewers connected now. */
		delivery: {
			offered: number;
			sent: number;
			replaced: number;
			dropped: number;
			notDue: number;
			waiting: number;
		};
	};
}

/** Reads the counters of a camera. */
async function accountsOf(relayUrl: string, camera: string): Promise<Accounts> {
	return (await (await fetch(`${relayUrl}/api/cameras/${camera}`)).json()) as Accounts;
}

/** The counters once nothing moves any more: the agent tells its own at most once a second, so two equal readings. */
export async function settledAccounts(relayUrl: string, camera: string): Promise<Accounts> {
	let last = "";
	return await until(
		async () => {
			const accounts = await accountsOf(relayUrl, camera);
			const text = JSON.stringify(accounts.counters);
			const isSettled = text === last;
			last = text;
			return isSettled ? accounts : null;
		},
		{ what: `the counters of ${camera} to stand still`, intervalMs: 1_300, timeoutMs: 15_000 },
	);
}

/**
 * What does not add up in settled counters of a camera whose agent and viewers have been there since both started;
 * empty when every frame is accounted for. `arrived`: frames each viewer connected now has counted itself.
 */
export function imbalances({ counters }: Accounts, arrived: readonly number[]): string[] {
	const { received, agent, delivery } = counters;
	const total = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
	const wrong: string[] = [];
	const same = (what: string, left: number, right: number) => {
		if (left !== right) wrong.push(`${what}: ${left} against ${right}`);
	};
	const { offered, sent, replaced, dropped, waiting } = delivery;
	same("offered = sent + replaced + dropped + waiting", offered, sent + replaced + dropped + waiting);
	same("sent by the relay = arrived at its viewers", sent, total(arrived));
	if (!agent) return wrong;
	const made = total(agent.renditions.map(({ encoded, refused }) => encoded - refused));
	same("encoded by the agent = received and refused by the relay", made, received.frames + received.refused);
	for (const { id, encoded, notEncoded } of agent.renditions)
		if (encoded + notEncoded > agent.captured)
			wrong.push(`rendition ${id}: more encoded and not encoded than captured`);
	return wrong;
}
