/** Input from outside that breaks PROTOCOL.md; `message` names the field and what was expected. */
export class ProtocolError extends Error {
	override readonly name = "ProtocolError";
}
