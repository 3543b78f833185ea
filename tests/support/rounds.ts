import type { CameraStatus } from "#shared/protocol.ts";
import { type Running, startAgent, startRelay } from "./processes.ts";
import { until } from "./until.ts";
import type { Patient, Ward } from "./ward.ts";
import { WireClient } from "./wire-client.ts";

const STEADY_MS = 5_200; // a source that lasted this long has a known pace, and its loss is answered at once
const NOTICED_MS = 8_000;
const HEALED_MS = 15_000;

/** How one fault of one source went, ms. */
export interface Healing {
	id: string;
	ailment: string;
	/** From the fault until viewers were told. */
	noticedMs: number;
	/** From the fault, or from the repair where one is needed, to a picture made after it. */
	healedMs: number;
}

/** A relay, an agent with all cameras of a ward, a viewer of each. */
export class Clinic implements AsyncDisposable {
	readonly agent: Running;
	readonly relay: Running;
	readonly #viewers: Map<string, WireClient>;
	readonly #captureTimes: Map<string, number>;

	private constructor(
		processes: { relay: Running; agent: Running },
		viewers: Map<string, WireClient>,
		captureTimes: Map<string, number>,
	) {
		this.relay = processes.relay;
		this.agent = processes.agent;
		this.#viewers = viewers;
		this.#captureTimes = captureTimes;
	}

	/** Resolves when every camera has been seen. */
	static async open(ward: Ward): Promise<Clinic> {
		const relay = await startRelay();
		const agent = startAgent({ relayUrl: relay.url, env: { CAMERAS_FILE: await ward.camerasFile() } });
		await agent.waitForLine(/publishing/);
		const captureTimes = new Map<string, number>();
		const viewers = new Map<string, WireClient>();
		for (const { id } of ward.patients) {
			const viewer = new WireClient(`${relay.url}/watch`, {
				onFrame: ({ header }) => void captureTimes.set(id, header.captureTime),
			});
			await viewer.heard("welcome");
			viewer.watch({ [id]: 0 });
			viewers.set(id, viewer);
		}
		for (const { id } of ward.patients)
			await until(() => captureTimes.has(id), { what: `a picture of ${id}`, timeoutMs: 15_000 });
		return new Clinic({ relay, agent }, viewers, captureTimes);
	}

	/** Lets each source fall ill and recover once, all at the same time. */
	async round(patients: readonly Patient[]): Promise<Healing[]> {
		await Bun.sleep(STEADY_MS);
		return await Promise.all(patients.map((patient) => this.#heal(patient)));
	}

	async [Symbol.asyncDispose](): Promise<void> {
		for (const viewer of this.#viewers.values()) viewer.close();
		await this.agent[Symbol.asyncDispose]();
		await this.relay[Symbol.asyncDispose]();
	}

	async #heal({ id, ailment, isHung, fall, rise }: Patient): Promise<Healing> {
		const viewer = this.#viewers.get(id)!;
		const told = viewer.messages.length;
		const now = () => performance.timeOrigin + performance.now();
		const fallTime = now();
		await fall();
		const isLost = () => viewer.messages.slice(told).some((message) => stateOf(message, id) === "offline");
		await until(isLost, { what: `${id} to be offline`, timeoutMs: NOTICED_MS });
		const noticedMs = now() - fallTime;
		const startTime = isHung ? fallTime : now();
		await rise();
		const riseTime = now();
		await until(() => this.#captureTimes.get(id)! > riseTime, {
			what: `a new picture of ${id}`,
			timeoutMs: HEALED_MS,
		});
		return { id, ailment, noticedMs, healedMs: now() - startTime };
	}
}

function stateOf({ type, cameras }: WireClient["messages"][number], id: string): string | undefined {
	if (type !== "cameras") return undefined;
	return (cameras as CameraStatus[]).find((camera) => camera.id === id)?.state;
}
