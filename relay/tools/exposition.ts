import type { Histogram } from "../histogram.ts";

/** Label names and values of one sample: ids, states and reasons, none of which has a character to be escaped. */
export type Labels = Readonly<Record<string, string>>;
/** One line of a metric family. */
export type Sample = readonly [labels: Labels, value: number];

/** Media type of the Prometheus text format. */
export const EXPOSITION_TYPE = "text/plain; version=0.0.4; charset=utf-8";

/** Writes the Prometheus text format 0.0.4 (prometheus.io/docs/instrumenting/exposition_formats). */
export class Exposition {
	#text = "";

	get text(): string {
		return this.#text;
	}

	counter(name: string, help: string, samples: Iterable<Sample>): void {
		this.#family(name, "counter", help);
		for (const [labels, value] of samples) this.#sample(name, labels, value);
	}

	gauge(name: string, help: string, samples: Iterable<Sample>): void {
		this.#family(name, "gauge", help);
		for (const [labels, value] of samples) this.#sample(name, labels, value);
	}

	/** Histograms counted in ms, written in seconds: Prometheus knows base units only. */
	histogramOfMs(name: string, help: string, histograms: Iterable<readonly [Labels, Histogram]>): void {
		this.#family(name, "histogram", help);
		for (const [labels, { bounds, counts, sum }] of histograms) {
			let total = 0;
			bounds.forEach((bound, i) => {
				total += counts[i]!;
				this.#sample(`${name}_bucket`, { ...labels, le: `${bound / 1_000}` }, total);
			});
			total += counts.at(-1)!;
			this.#sample(`${name}_bucket`, { ...labels, le: "+Inf" }, total);
			this.#sample(`${name}_sum`, labels, sum / 1_000);
			this.#sample(`${name}_count`, labels, total);
		}
	}

	#family(name: string, type: string, help: string): void {
		this.#text += `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n`;
	}

	#sample(name: string, labels: Labels, value: number): void {
		const pairs = Object.entries(labels).map(([label, text]) => `${label}="${text}"`);
		this.#text += `${name}${pairs.length > 0 ? `{${pairs.join(",")}}` : ""} ${value}\n`;
	}
}
