import sharp from "sharp";
import type { SentPicture } from "./fake-relay.ts";

const WIDTH = 1280;
const HEIGHT = 720;
const STEPS = 24;

/** Two dozen pictures of a swinging arm over a bench, each camera in a light of its own. */
export async function swingingArm(hue: number): Promise<SentPicture[]> {
	return Promise.all(Array.from({ length: STEPS }, (_, step) => picture(svg(hue, step / STEPS))));
}

/** One plain picture of any size. */
export async function plain(color: string, width = WIDTH, height = HEIGHT): Promise<SentPicture> {
	return picture(
		`<svg width="${width}" height="${height}"><rect width="100%" height="100%" fill="${color}"/></svg>`,
	);
}

async function picture(text: string): Promise<SentPicture> {
	const { data, info } = await sharp(Buffer.from(text))
		.jpeg({ quality: 60 })
		.toBuffer({ resolveWithObject: true });
	return { body: new Uint8Array(data), width: info.width, height: info.height };
}

function svg(hue: number, phase: number): string {
	const angle = Math.sin(phase * 2 * Math.PI) * 38;
	const light = (lightness: number, saturation = 22) => `hsl(${hue},${saturation}%,${lightness}%)`;
	return `<svg width="${WIDTH}" height="${HEIGHT}" viewBox="0 0 1280 720">
		<defs>
			<linearGradient id="wall" x1="0" y1="0" x2="1" y2="1"><stop offset="0" stop-color="${light(78)}"/><stop offset="1" stop-color="${light(38)}"/></linearGradient>
			<radialGradient id="lamp" cx="0.3" cy="0.1" r="0.8"><stop offset="0" stop-color="white" stop-opacity="0.55"/><stop offset="1" stop-color="white" stop-opacity="0"/></radialGradient>
		</defs>
		<rect width="1280" height="720" fill="url(#wall)"/>
		<g fill="${light(30)}" opacity="0.5"><rect x="90" y="120" width="240" height="180" rx="6"/><rect x="960" y="90" width="210" height="260" rx="6"/><rect x="390" y="150" width="120" height="120" rx="6"/></g>
		<rect y="540" width="1280" height="180" fill="${light(24, 18)}"/><rect y="540" width="1280" height="10" fill="${light(60)}"/>
		<ellipse cx="640" cy="556" rx="210" ry="26" fill="black" opacity="0.35"/>
		<g transform="translate(640 540) rotate(${angle})">
			<rect x="-26" y="-250" width="52" height="250" rx="24" fill="${light(88, 12)}"/>
			<g transform="translate(0 -240) rotate(${angle * 1.4 + 70})"><rect x="-20" y="-200" width="40" height="200" rx="18" fill="${light(94, 10)}"/><circle cy="-196" r="34" fill="hsl(${(hue + 150) % 360},70%,55%)"/></g>
			<circle cy="-240" r="36" fill="${light(22)}"/>
		</g>
		<rect x="560" y="520" width="160" height="40" rx="8" fill="${light(20)}"/>
		<rect width="1280" height="720" fill="url(#lamp)"/>
	</svg>`;
}
