import type { Socket } from "../../relay/socket.ts";

/** A socket that takes everything and remembers the texts. */
export function quietSocket(): Socket & { readonly texts: string[] } {
	const texts: string[] = [];
	return {
		texts,
		bufferedBytes: 0,
		sendText: (text) => texts.push(text) > 0,
		sendBinary: () => true,
		cork: (run) => run(),
		ping() {},
		close() {},
	};
}
