/** A JSON Schema, draft 2020-12, as OpenAPI 3.1 takes it. */
export type Schema = Readonly<Record<string, unknown>>;

export const text = (description: string): Schema => ({ type: "string", description });
export const count = (description: string): Schema => ({ type: "integer", minimum: 0, description });
export const instant = (description: string): Schema => ({
	type: "string",
	format: "date-time",
	description,
});

/** An object with these fields and no others, all of them always there. */
export function object(properties: Record<string, Schema>, description?: string): Schema {
	return {
		type: "object",
		...(description && { description }),
		properties,
		required: Object.keys(properties),
		additionalProperties: false,
	};
}

export function orNull(schema: Schema): Schema {
	return { anyOf: [schema, { type: "null" }] };
}

export function list(items: Schema): Schema {
	return { type: "array", items };
}
