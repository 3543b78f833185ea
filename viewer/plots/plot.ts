/** A value at an instant, ms; null: there was none. */
export interface PlotPoint {
	time: number;
	value: number | null;
}

/** What is plotted: the span ending at `now` over the whole width, 0 to `max` over the whole height. */
export interface PlotFrame {
	now: number;
	spanMs: number;
	max: number;
	width: number;
	height: number;
}

/** The `d` of an SVG path: a line that breaks where there is no value. */
export function linePath(points: readonly PlotPoint[], frame: PlotFrame): string {
	let isDrawing = false;
	let path = "";
	for (const { time, value } of points) {
		if (value !== null) path += `${isDrawing ? "L" : "M"}${at(time, value, frame)}`;
		isDrawing = value !== null;
	}
	return path;
}

/** The `d` of the area between two lines; where either has no value there is none. */
export function bandPath(lower: readonly PlotPoint[], upper: readonly PlotPoint[], frame: PlotFrame): string {
	let path = "";
	let run: number[] = [];
	const close = () => {
		if (run.length > 1) {
			const top = run.map((i) => at(upper[i]!.time, upper[i]!.value!, frame));
			const bottom = run.map((i) => at(lower[i]!.time, lower[i]!.value!, frame));
			path += `M${[...top, ...bottom.reverse()].join("L")}Z`;
		}
		run = [];
	};
	upper.forEach(({ value }, i) => {
		if (value === null || lower[i]?.value == null) close();
		else run.push(i);
	});
	close();
	return path;
}

/** The next of 1, 2, 5, 10, 20 ... that is not below, for the top of a scale. */
export function roundUp(value: number): number {
	if (value <= 0) return 1;
	const power = 10 ** Math.floor(Math.log10(value));
	return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value) ?? 10 * power;
}

function at(time: number, value: number, { now, spanMs, max, width, height }: PlotFrame): string {
	const x = width * (1 - (now - time) / spanMs);
	const y = height * (1 - Math.min(1, Math.max(0, value / max)));
	return `${x.toFixed(1)} ${y.toFixed(1)}`;
}
