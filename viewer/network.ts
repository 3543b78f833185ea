/** Network Information API, which not every browser has and none has whole. */
interface Information extends EventTarget {
	/** wifi, cellular, ethernet ...: only where the browser tells it. */
	readonly type?: string;
	/** 4g, 3g ...: an estimate of how fast it is. */
	readonly effectiveType?: string;
}

function information(): Information | null {
	return (navigator as { connection?: Information }).connection ?? null;
}

/** The kind of network this page is on, as far as the browser tells. */
export function networkName(): string {
	const { type, effectiveType } = information() ?? {};
	return [type, effectiveType].filter((part) => part).join("-") || "any";
}

/** What became of the network: `other`: certainly another one; `unsure`: maybe only another guess of its speed. */
export type NetworkChange = "other" | "unsure";

/** Tells of every change of the network until the signal aborts. */
export function followNetwork(onChange: (change: NetworkChange) => void, signal: AbortSignal): void {
	addEventListener("online", () => onChange("other"), { signal });
	const network = information();
	let type = network?.type;
	const changed = () => {
		const isOther = network?.type !== type;
		type = network?.type;
		onChange(isOther ? "other" : "unsure");
	};
	network?.addEventListener("change", changed, { signal });
}
