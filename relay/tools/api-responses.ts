import { schemaRef } from "./api-schemas.ts";
import type { Schema } from "./schema.ts";

/** An answer of JSON. */
export function json(description: string, schema: Schema): Schema {
	return { description, content: { "application/json": { schema } } };
}

/** An answer that says what was wrong. */
export function problem(description: string): Schema {
	return json(description, schemaRef("Problem"));
}

/** An answer of another media type. */
export function raw(description: string, type: string, headers: Schema = {}): Schema {
	return { description, headers, content: { [type]: {} } };
}

export function header(description: string): Schema {
	return { description, schema: { type: "string" } };
}

/** What keeps somebody from what they may not see, whether it is there or not. */
export const REFUSALS = {
	401: problem("Nothing was shown that lets in; the same for what does not exist."),
	403: problem("What was shown is not for this; the same for what does not exist."),
};
