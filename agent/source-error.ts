import { redact } from "./source-spec.ts";

/** Why a source gives no pictures. `hung`: a native call never came back, only a new process helps. */
export type SourceErrorReason =
	| "not-found"
	| "busy"
	| "permission"
	| "refused"
	| "timed-out"
	| "ended"
	| "bad-data"
	| "no-device"
	| "unsupported"
	| "hung";

/** A source that is lost or cannot be opened; `message` is one line, without credentials. */
export class SourceError extends Error {
	override readonly name = "SourceError";
	readonly reason: SourceErrorReason;

	constructor(reason: SourceErrorReason, message: string, options?: ErrorOptions) {
		super(redact(message.replace(/\s+/g, " ").trim()), options);
		this.reason = reason;
	}
}
