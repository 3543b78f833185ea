import type { Player } from "../player.svelte.ts";
import { openMirror } from "./mirror.ts";

/** Shows a camera in a window of its own; `onClose` once that is gone. Call what it resolves with to close it. */
export async function float(player: Player, camera: string, onClose: () => void): Promise<() => void> {
	const mirror = openMirror(player, camera, null);
	const video = document.createElement("video");
	const close = () => {
		for (const track of (video.srcObject as MediaStream | null)?.getTracks() ?? []) track.stop();
		video.srcObject = null;
		mirror.close();
		onClose();
	};
	try {
		video.muted = true;
		video.playsInline = true;
		video.srcObject = mirror.canvas.captureStream();
		await mirror.filled;
		await video.play();
		await video.requestPictureInPicture();
	} catch (cause) {
		close();
		throw cause;
	}
	video.addEventListener("leavepictureinpicture", close, { once: true });
	return () => void document.exitPictureInPicture().catch(() => {}); // closed by hand meanwhile
}
