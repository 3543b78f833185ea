import { CAMERA_ID } from "#shared/protocol.ts";

/** Who may watch a camera: everybody who reaches the relay, holders of a link to it, people who signed in. */
const AUDIENCES = ["public", "link", "sign-in"] as const;
export type Audience = (typeof AUDIENCES)[number];

/** Who may watch which camera. */
export class Policy {
	readonly #usual: Audience;
	readonly #exceptions: ReadonlyMap<string, Audience>;

	constructor(usual: Audience, exceptions: ReadonlyMap<string, Audience> = new Map()) {
		this.#usual = usual;
		this.#exceptions = exceptions;
	}

	of(camera: string): Audience {
		return this.#exceptions.get(camera) ?? this.#usual;
	}

	/** As it is written: "link, lobby:public". */
	toString(): string {
		return [this.#usual, ...[...this.#exceptions].map(([camera, audience]) => `${camera}:${audience}`)].join(
			", ",
		);
	}

	/** Whether some camera could be of this audience. */
	includes(audience: Audience): boolean {
		return this.#usual === audience || [...this.#exceptions.values()].includes(audience);
	}

	/** Whether everybody may watch everything. */
	get isPublic(): boolean {
		return !this.includes("link") && !this.includes("sign-in");
	}
}

/** Reads "link, lobby:public": one audience for all cameras, others by name. Throws RangeError with what is wrong. */
export function parsePolicy(text: string): Policy {
	let usual: Audience | null = null;
	const exceptions = new Map<string, Audience>();
	for (const part of listOf(text)) {
		const [first = "", second] = part.split(":");
		const audience = audienceOf(second ?? first, part);
		if (second === undefined) {
			if (usual !== null) throw new RangeError(`"${part}": ${usual} is said for all cameras already`);
			usual = audience;
		} else if (!CAMERA_ID.test(first)) throw new RangeError(`"${part}": "${first}" is no camera id`);
		else if (exceptions.has(first)) throw new RangeError(`"${part}": camera ${first} stands there twice`);
		else exceptions.set(first, audience);
	}
	if (usual === null) throw new RangeError("expected public, link or sign-in for all cameras not named");
	return new Policy(usual, exceptions);
}

/** The parts of a list with commas, blanks around them left out. */
export function listOf(text: string): string[] {
	return text
		.split(",")
		.map((part) => part.trim())
		.filter((part) => part !== "");
}

function audienceOf(text: string, part: string): Audience {
	const found = AUDIENCES.find((audience) => audience === text);
	if (!found) throw new RangeError(`"${part}": expected public, link or sign-in, as in "link, lobby:public"`);
	return found;
}
