/** "0:07", "12:30", "1:02:03". */
export function stopwatch(ms: number): string {
	const seconds = Math.floor(Math.max(0, ms) / 1000);
	const two = (value: number) => `${value}`.padStart(2, "0");
	const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
	return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** "840 kB", "12.4 MB", "1.2 GB". */
export function fileSize(bytes: number): string {
	if (bytes < 1e6) return `${Math.round(bytes / 1e3)} kB`;
	return bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
