/** A picture's size in pixels. */
export interface Size {
	width: number;
	height: number;
}

/** One independently decodable encoding of a camera. */
export interface Rendition extends Size {
	/** Unique within the camera, and the same rung of the same ladder keeps it when the source changes size. */
	id: number;
	codec: "jpeg";
	/** The JPEG encoder's number, 1..100. */
	quality: number;
	/** What one frame of an average scene takes; real scenes differ by up to 6x, so never plan by this alone. */
	nominalBytes: number;
	/** Luma SSIM of an average scene against the source, after upscaling to the source's size. */
	ssim: number;
	/** `ladder`: chosen automatically. `request`: made only when somebody names it. */
	offer: "ladder" | "request";
}

interface Step {
	lines: number;
	quality: number;
	nominalBytes: number;
	ssim: number;
}

const FULL = Number.POSITIVE_INFINITY; // the source's own lines
const TOP_LINES = 1080; // above it a live JPEG costs more than it shows; on request the source's own size is made

// Measured with sharp 0.35.5 (libjpeg-turbo, 4:2:0) on 12 photos with sensor noise, geometric means: the points on
// the hull of bytes against SSIM, 1.3-1.7x apart. Full size at low quality beats a smaller size down to about q20.
const LADDER_1080: readonly Step[] = [
	{ lines: 180, quality: 40, nominalBytes: 5_200, ssim: 0.81 },
	{ lines: 270, quality: 35, nominalBytes: 8_700, ssim: 0.838 },
	{ lines: 360, quality: 35, nominalBytes: 13_600, ssim: 0.861 },
	{ lines: 540, quality: 25, nominalBytes: 20_300, ssim: 0.882 },
	{ lines: 540, quality: 40, nominalBytes: 27_700, ssim: 0.897 },
	{ lines: 540, quality: 60, nominalBytes: 37_300, ssim: 0.908 },
	{ lines: FULL, quality: 20, nominalBytes: 51_400, ssim: 0.933 },
	{ lines: FULL, quality: 30, nominalBytes: 68_200, ssim: 0.948 },
	{ lines: FULL, quality: 45, nominalBytes: 92_000, ssim: 0.958 },
	{ lines: FULL, quality: 60, nominalBytes: 120_000, ssim: 0.962 },
];
const LADDER_720: readonly Step[] = [
	{ lines: 180, quality: 40, nominalBytes: 5_200, ssim: 0.82 },
	{ lines: 270, quality: 35, nominalBytes: 8_800, ssim: 0.854 },
	{ lines: 360, quality: 35, nominalBytes: 13_600, ssim: 0.879 },
	{ lines: 360, quality: 60, nominalBytes: 19_700, ssim: 0.896 },
	{ lines: FULL, quality: 20, nominalBytes: 27_100, ssim: 0.925 },
	{ lines: FULL, quality: 30, nominalBytes: 36_200, ssim: 0.942 },
	{ lines: FULL, quality: 50, nominalBytes: 52_000, ssim: 0.955 },
	{ lines: FULL, quality: 70, nominalBytes: 77_900, ssim: 0.962 },
	{ lines: FULL, quality: 80, nominalBytes: 107_000, ssim: 0.965 },
];
// Small sources: the rungs of 720p that still are smaller, the full-size ones scaled by pixels (not measured).
const REDUCED_SHARE = 0.6; // a reduced rung must drop at least this far below the source to be a step of its own

const QUALITY_COST: readonly (readonly [quality: number, bytesAt720p: number, ssim: number])[] = [
	[30, 36_200, 0.942],
	[35, 40_400, 0.946],
	[40, 44_000, 0.95],
	[45, 48_300, 0.953],
	[50, 52_000, 0.955],
	[55, 56_100, 0.957],
	[60, 61_500, 0.959],
	[65, 68_700, 0.961],
	[70, 77_900, 0.962],
	[75, 89_000, 0.963],
	[80, 107_100, 0.965],
	[85, 133_300, 0.966],
	[90, 180_100, 0.966],
	[95, 295_500, 0.957],
];
const QUALITY_ID = 100; // 130..195 are the full-size qualities; rungs count from 0

/** Every rendition a camera of this size offers: its ladder, cheapest first, then what is made on request only. */
export function renditionsFor(source: Size): Rendition[] {
	return [...ladderFor(source), ...QUALITY_COST.map((row) => fullSize(source, row))];
}

/** The ladder alone, cheapest rung first; rung i has id i. */
export function ladderFor(source: Size): Rendition[] {
	const lines = Math.min(source.width, source.height);
	const measuredLines = lines >= 900 ? 1080 : 720;
	return stepsFor(lines).map((step, id) => {
		const size = scaled(source, Math.min(step.lines, TOP_LINES));
		return {
			id,
			codec: "jpeg",
			...size,
			quality: step.quality,
			nominalBytes: bytesAt(size, step.nominalBytes, step.lines === FULL ? measuredLines : step.lines),
			ssim: step.ssim,
			offer: "ladder",
		};
	});
}

/** The rendition of the source's own size nearest to a JPEG quality of 30..95, as ReRo-CCTV's endpoint asks for. */
export function qualityId(quality: number): number {
	return QUALITY_ID + Math.min(95, Math.max(30, Math.round(quality / 5) * 5));
}

/** What people call a rendition: "720p q50". */
export function renditionName(rendition: Rendition): string {
	return `${Math.min(rendition.width, rendition.height)}p q${rendition.quality}`;
}

function stepsFor(lines: number): readonly Step[] {
	if (lines >= 900) return LADDER_1080;
	if (lines >= 600) return LADDER_720;
	return LADDER_720.filter((step) => step.lines === FULL || step.lines <= lines * REDUCED_SHARE);
}

function fullSize(source: Size, [quality, bytesAt720p, ssim]: (typeof QUALITY_COST)[number]): Rendition {
	return {
		id: qualityId(quality),
		codec: "jpeg",
		width: source.width,
		height: source.height,
		quality,
		nominalBytes: bytesAt(source, bytesAt720p, 720),
		ssim,
		offer: "request",
	};
}

/** What a frame of `size` takes when one of `measuredLines` at 16:9 took `measuredBytes`. */
function bytesAt({ width, height }: Size, measuredBytes: number, measuredLines: number): number {
	// Bytes grow slower than pixels: 180p to 720p at q40 is 16x the pixels, 8.5x the bytes.
	const measuredPixels = (measuredLines * measuredLines * 16) / 9;
	return Math.round(measuredBytes * ((width * height) / measuredPixels) ** 0.77);
}

function scaled(source: Size, lines: number): Size {
	const share = lines / Math.min(source.width, source.height);
	if (share >= 1) return { width: source.width, height: source.height };
	const even = (length: number) => Math.max(2, Math.round((length * share) / 2) * 2);
	return { width: even(source.width), height: even(source.height) };
}
