/** A file's name of a picture or film: "Bench 2 2026-11-22 10.29.31.042.jpg", in local time. */
export function pictureName(camera: string, time: number, extension: string): string {
	const date = new Date(time);
	const two = (value: number) => `${value}`.padStart(2, "0");
	const day = `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`;
	const clock = `${two(date.getHours())}.${two(date.getMinutes())}.${two(date.getSeconds())}`;
	const millis = `${date.getMilliseconds()}`.padStart(3, "0");
	// What no file system may take in a name, Windows being the strictest.
	const name = camera.replace(/[\p{Cc}\\/:*?"<>|]+/gu, " ").trim() || "camera";
	return `${name} ${day} ${clock}.${millis}.${extension}`;
}
