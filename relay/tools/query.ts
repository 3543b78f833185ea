/** One parameter of a query string: the same object reads requests and stands in the API description. */
export interface NumberParameter {
	readonly type: "integer" | "number";
	readonly minimum: number;
	readonly maximum: number;
	readonly description: string;
	readonly example: number;
}

/** An answer that is not the wanted one: its status, and words for whoever asked. */
export class HttpProblem extends Error {
	override readonly name = "HttpProblem";
	readonly status: number;
	/** Seconds after which asking again makes sense; null when it does not. */
	readonly retryAfter: number | null;

	constructor(status: number, message: string, retryAfter: number | null = null) {
		super(message);
		this.status = status;
		this.retryAfter = retryAfter;
	}

	get response(): Response {
		const headers = new Headers({ "Cache-Control": "no-store" });
		if (this.retryAfter !== null) headers.set("Retry-After", `${this.retryAfter}`);
		return Response.json({ error: this.message }, { status: this.status, headers });
	}
}

/** Runs a handler; a HttpProblem it throws is the answer. */
export async function answered(handle: () => Response | Promise<Response>): Promise<Response> {
	try {
		return await handle();
	} catch (problem) {
		if (problem instanceof HttpProblem) return problem.response;
		throw problem;
	}
}

/**
 * The numbers of a query string, null where one is not given; throws HttpProblem 400 naming the parameter. Names that
 * are not in the table are left alone: pages add some against caches.
 */
export function readNumbers<T extends Record<string, NumberParameter>>(
	query: URLSearchParams,
	table: T,
): { [K in keyof T]: number | null } {
	const values = Object.entries(table).map(([name, parameter]) => {
		const text = query.get(name);
		return [name, text === null ? null : readNumber(name, text, parameter)];
	});
	return Object.fromEntries(values);
}

function readNumber(name: string, text: string, { type, minimum, maximum }: NumberParameter): number {
	const value = Number(text);
	const isOfType = type === "integer" ? /^\d+$/.test(text) : /^\d+(\.\d+)?$/.test(text);
	if (isOfType && value >= minimum && value <= maximum) return value;
	const kind = type === "integer" ? "a whole number" : "a number";
	throw new HttpProblem(
		400,
		`${name}: expected ${kind} from ${minimum} to ${maximum}, got ${JSON.stringify(text.slice(0, 40))}`,
	);
}
