/** Whether this browser lets a video float above other windows. */
export function canFloat(): boolean {
	return document.pictureInPictureEnabled === true && "captureStream" in HTMLCanvasElement.prototype;
}
