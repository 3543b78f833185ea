const QUALITY = 0.95; // the picture came as a JPEG or a video frame: this adds nothing one can see

/** The picture on a canvas as a JPEG, also of one that a Worker draws; null where the browser makes none. */
export function pictureFile(canvas: HTMLCanvasElement): Promise<Blob | null> {
	const copy = document.createElement("canvas");
	copy.width = canvas.width;
	copy.height = canvas.height;
	copy.getContext("2d", { alpha: false })?.drawImage(canvas, 0, 0);
	return new Promise((resolve) => copy.toBlob(resolve, "image/jpeg", QUALITY));
}
