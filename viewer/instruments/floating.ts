import type { Player } from "../player.svelte.ts";
import { openMirror } from "./mirror.ts";

/**
 * Shows a camera in a window of its own, from its next picture on; resolves when that window is gone, by hand or
 * because `signal` aborts. Rejects when the browser opens none.
 */
export async function float(player: Player, camera: string, signal: AbortSignal): Promise<void> {
	if (signal.aborted) return;
	const aborted = new Promise<unknown>((resolve) =>
		signal.addEventListener("abort", resolve, { once: true }),
	);
	const mirror = openMirror(player, camera, null);
	const video = document.createElement("video");
	try {
		video.muted = true;
		video.playsInline = true;
		video.srcObject = mirror.canvas.captureStream();
		await Promise.race([mirror.filled.then(() => video.play()), aborted]);
		if (signal.aborted) return;
		const left = new Promise((resolve) => video.addEventListener("leavepictureinpicture", resolve));
		await video.requestPictureInPicture();
		await Promise.race([left, aborted]);
	} finally {
		if (document.pictureInPictureElement === video) void document.exitPictureInPicture().catch(() => {});
		for (const track of (video.srcObject as MediaStream | null)?.getTracks() ?? []) track.stop();
		video.srcObject = null;
		mirror.close();
	}
}
