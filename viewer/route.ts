import { CAMERA_ID } from "#shared/protocol.ts";

/** The camera that a page address opens alone; null for all. */
export function cameraOf(href: string): string | null {
	const id = new URL(href).searchParams.get("camera");
	return id !== null && CAMERA_ID.test(id) ? id : null;
}

/** The same page with another camera open. */
export function hrefOf(href: string, camera: string | null): string {
	const url = new URL(href);
	if (camera === null) url.searchParams.delete("camera");
	else url.searchParams.set("camera", camera);
	return url.href;
}

/** Where the relay of this page listens: beside it, also under a sub-path such as /cams/. */
export function watchUrl(href: string): string {
	const url = new URL("watch", href);
	url.protocol = url.protocol === "https:" ? "wss:" : "ws:";
	return url.href;
}
