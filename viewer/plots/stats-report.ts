import type { CameraStatus } from "#shared/protocol.ts";
import type { Sample } from "./samples.ts";

/** What a report says besides its facts. */
export interface ReportFrame {
	camera: Pick<CameraStatus, "id" | "name" | "source">;
	/** This machine's clock. */
	time: number;
	address: string;
	browser: string;
}

/** Everything the details show, as text for a letter or an issue. */
export function statsReport(
	{ camera, time, address, browser }: ReportFrame,
	facts: readonly (readonly [name: string, value: string])[],
	samples: readonly Sample[],
): string {
	const { source } = camera;
	const ages = samples.flatMap(({ stages }) =>
		stages ? [Object.values(stages).reduce((sum: number, ms: number) => sum + ms, 0)] : [],
	);
	return [
		`Sightline report, ${new Date(time).toISOString()}`,
		`Camera: ${camera.name} (${camera.id})`,
		`Source: ${source ? `${source.width} x ${source.height} at ${source.framesPerSecond ?? "?"} fps` : "unknown"}`,
		`Page: ${address}`,
		`Browser: ${browser}`,
		"",
		...facts.map(([name, value]) => `${name}: ${value}`),
		"",
		`Last two minutes (${samples.length} samples)`,
		`Age, ms: ${spread(ages)}`,
		`Frames per second: ${spread(samples.map(({ framesPerSecond }) => framesPerSecond))}`,
		`Bit rate, kbit/s: ${spread(samples.map(({ bitsPerSecond }) => bitsPerSecond / 1000))}`,
		`Lines: ${spread(samples.map(({ lines }) => lines))}`,
		"",
	].join("\n");
}

function spread(values: readonly number[]): string {
	if (values.length === 0) return "none";
	const sorted = values.toSorted((a, b) => a - b);
	const at = (share: number) => sorted[Math.round(share * (sorted.length - 1))]!.toFixed(1);
	return `median ${at(0.5)}, 95th ${at(0.95)}, from ${at(0)} to ${at(1)}`;
}
