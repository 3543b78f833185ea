import type { Size } from "#shared/ladder.ts";
import type { Player } from "../player.svelte.ts";

/** A canvas of the page that shows every picture of a camera, also while the page is hidden. */
export interface Mirror {
	readonly canvas: HTMLCanvasElement;
	/** When the first picture is on it. */
	readonly filled: Promise<void>;
	close(): void;
}

/**
 * Starts copying, in the size of each picture or in one for all. Costs the page a draw per picture, so only for what
 * cannot be had otherwise.
 */
export function openMirror(player: Player, camera: string, size: Size | null): Mirror {
	const canvas = document.createElement("canvas");
	const context = canvas.getContext("2d", { alpha: false });
	const { port1, port2 } = new MessageChannel();
	const release = player.keep(camera);
	const filled = new Promise<void>((resolve) => {
		port1.onmessage = ({ data: picture }: MessageEvent<ImageBitmap>) => {
			const { width, height } = size ?? picture;
			if (canvas.width !== width) canvas.width = width;
			if (canvas.height !== height) canvas.height = height;
			context?.drawImage(picture, 0, 0, width, height);
			picture.close();
			port1.postMessage("drawn");
			resolve();
		};
	});
	player.studio({ is: "mirror", camera, port: port2 }, [port2]);
	return {
		canvas,
		filled,
		close() {
			release();
			port1.postMessage("end");
		},
	};
}
