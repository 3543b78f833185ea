const options = process.argv.slice(2);

/** Whether `--json` was asked for. */
export const isJson = options.includes("--json");

/** The number after `--name`, or `fallback`; ends the process when it is no number. */
export function numberOption(name: string, fallback: number): number {
	const at = options.indexOf(`--${name}`);
	if (at < 0) return fallback;
	const value = Number(options[at + 1]);
	if (Number.isFinite(value) && value > 0) return value;
	console.error(`--${name} ${options[at + 1] ?? ""}: expected a number above 0`);
	process.exit(2);
}

/** The text after `--name`, or null. */
export function textOption(name: string): string | null {
	const at = options.indexOf(`--${name}`);
	return at < 0 ? null : (options[at + 1] ?? null);
}

/** The text after `--name`, one of `choices`, the first where there is none; ends the process when it is another. */
export function choiceOption<C extends string>(name: string, choices: readonly [C, ...C[]]): C {
	const text = textOption(name);
	const choice = text === null ? choices[0] : choices.find((one) => one === text);
	if (choice) return choice;
	console.error(`--${name} ${text}: expected ${choices.join(" or ")}`);
	process.exit(2);
}

/** Prints the table people read, and with --json the object machines read, as the last line. */
export function report(rows: readonly object[], figures: object): void {
	if (rows.length > 0) console.log(Bun.inspect.table(rows as object[], { colors: false }));
	if (isJson) console.log(JSON.stringify(figures));
}

/** The value below which the share `p` of the values lies; NaN of none. */
export function percentile(values: readonly number[], p: number): number {
	const sorted = values.toSorted((a, b) => a - b);
	return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * p))] ?? Number.NaN;
}

/** Rounded to `digits` behind the point. */
export function rounded(value: number, digits = 1): number {
	return Number(value.toFixed(digits));
}
