import { ProtocolError } from "./errors.ts";

/** Turns unknown input into a T or throws a ProtocolError that names the `path`. */
export type Check<T> = (value: unknown, path: string) => T;
export type Checked<C> = C extends Check<infer T> ? T : never;

function fail(path: string, expected: string, value: unknown): never {
	const seen = value === undefined ? "nothing" : JSON.stringify(value)?.slice(0, 60);
	throw new ProtocolError(`${path}: expected ${expected}, got ${seen}`);
}

/** Text of at most `maxLength` UTF-16 units, at least one. */
export function text(maxLength: number): Check<string> {
	return (value, path) =>
		typeof value === "string" && value.length > 0 && value.length <= maxLength
			? value
			: fail(path, `text of 1 to ${maxLength} characters`, value);
}

export function matching(pattern: RegExp, expected: string): Check<string> {
	return (value, path) =>
		typeof value === "string" && pattern.test(value) ? value : fail(path, expected, value);
}

export function integer(min: number, max: number): Check<number> {
	return (value, path) =>
		typeof value === "number" && Number.isInteger(value) && value >= min && value <= max
			? value
			: fail(path, `a whole number from ${min} to ${max}`, value);
}

export function number(min: number, max: number): Check<number> {
	return (value, path) =>
		typeof value === "number" && value >= min && value <= max
			? value
			: fail(path, `a number from ${min} to ${max}`, value);
}

export const boolean: Check<boolean> = (value, path) =>
	typeof value === "boolean" ? value : fail(path, "true or false", value);

export function oneOf<const T extends string>(...choices: readonly T[]): Check<T> {
	return (value, path) =>
		choices.includes(value as T) ? (value as T) : fail(path, `one of ${choices.join(", ")}`, value);
}

export function nullable<T>(check: Check<T>): Check<T | null> {
	return (value, path) => (value === null ? null : check(value, path));
}

/** `fallback` when the field is not there at all. */
export function optional<T>(check: Check<T>, fallback: T): Check<T> {
	return (value, path) => (value === undefined ? fallback : check(value, path));
}

export function array<T>(check: Check<T>, maxLength: number): Check<T[]> {
	return (value, path) =>
		Array.isArray(value) && value.length <= maxLength
			? value.map((item, i) => check(item, `${path}[${i}]`))
			: fail(path, `a list of at most ${maxLength}`, value);
}

/** Checks each named field; fields that are not named are ignored, so that a peer may say more than we know. */
export function object<T extends Record<string, Check<unknown>>>(
	fields: T,
): Check<{ [K in keyof T]: Checked<T[K]> }> {
	const entries = Object.entries(fields);
	return (value, path) => {
		if (typeof value !== "object" || value === null || Array.isArray(value))
			return fail(path, "an object", value);
		const source = value as Record<string, unknown>;
		const out: Record<string, unknown> = {};
		for (const [name, check] of entries) out[name] = check(source[name], `${path}.${name}`);
		return out as { [K in keyof T]: Checked<T[K]> };
	};
}

/** One of several objects, told apart by the text in their field `tag`, which each of them checks as well. */
export function variant<T extends Record<string, Check<object>>>(
	tag: string,
	kinds: T,
): Check<Checked<T[keyof T]>> {
	const kindOf = object({ [tag]: oneOf(...Object.keys(kinds)) });
	return (value, path) => kinds[kindOf(value, path)[tag]!]!(value, path) as Checked<T[keyof T]>;
}
