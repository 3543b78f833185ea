import { CAMERA_ID, MODES, type Mode } from "#shared/protocol.ts";

// What this browser remembers. Storage may be forbidden (private windows of some browsers): then nothing is, and a
// choice lasts as long as the page.
const PIN = "sightline.rendition.";
const MODE = "sightline.mode";
const RATE = "sightline.rate.";
const ORDER = "sightline.order";

/** The rendition chosen by hand for a camera; null: automatic. */
export function readPin(camera: string): number | null {
	const text = read(PIN + camera);
	return text !== null && /^\d{1,5}$/.test(text) ? Number(text) : null;
}

export function writePin(camera: string, rendition: number | null): void {
	write(PIN + camera, rendition === null ? null : `${rendition}`);
}

/** How a smooth picture is weighed against a sharp one. */
export function readMode(): Mode {
	const text = read(MODE);
	return MODES.find((mode) => mode === text) ?? "balanced";
}

export function writeMode(mode: Mode): void {
	write(MODE, mode);
}

/** The cameras as a person put them; those not among them were never moved. */
export function readOrder(): string[] {
	return (read(ORDER) ?? "").split(" ").filter((id) => CAMERA_ID.test(id));
}

export function writeOrder(ids: readonly string[]): void {
	write(ORDER, ids.join(" "));
}

/** What a network of this name carried when it was last used, bits per second; null: never used. */
export function readRate(network: string): number | null {
	const text = read(RATE + network);
	return text !== null && /^[1-9]\d{0,11}$/.test(text) ? Number(text) : null;
}

export function writeRate(network: string, rateBps: number): void {
	write(RATE + network, `${Math.round(rateBps)}`);
}

function read(key: string): string | null {
	try {
		return localStorage.getItem(key);
	} catch {
		return null;
	}
}

function write(key: string, value: string | null): void {
	try {
		if (value === null) localStorage.removeItem(key);
		else localStorage.setItem(key, value);
	} catch {
		// forbidden or full
	}
}
