/** Puts text on the clipboard; false where the browser refused. A page that is not secure has only the old way. */
export async function copyText(text: string): Promise<boolean> {
	try {
		if (!navigator.clipboard) return copyBySelection(text);
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		return copyBySelection(text);
	}
}

function copyBySelection(text: string): boolean {
	const copied = (event: ClipboardEvent) => {
		event.preventDefault();
		event.clipboardData?.setData("text/plain", text);
	};
	document.addEventListener("copy", copied, { once: true });
	try {
		return document.execCommand("copy");
	} finally {
		document.removeEventListener("copy", copied);
	}
}
