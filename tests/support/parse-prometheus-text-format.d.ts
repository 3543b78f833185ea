declare module "parse-prometheus-text-format" {
	interface Sample {
		labels?: Record<string, string>;
		value?: string;
	}

	/** Reads the text format 0.0.4. Of a histogram with labels it keeps one series only (1.1.1). */
	export default function parse(
		text: string,
	): { name: string; help: string; type: "COUNTER" | "GAUGE" | "HISTOGRAM"; metrics: Sample[] }[];
}
