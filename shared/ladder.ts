/** A picture's size in pixels. */
export interface Size {
	width: number;
	height: number;
}

/** What renditions of every codec have. */
interface Offer extends Size {
	/** Unique within the camera, and the same rung of the same ladder keeps it when the source changes size. */
	id: number;
	/** What one frame of an average scene takes; real scenes differ by up to 6x, so never plan by this alone. */
	nominalBytes: number;
	/** Luma SSIM of an average scene against the source, after upscaling to the source's size. */
	ssim: number;
	/** `ladder`: chosen automatically. `request`: made only when somebody names it. */
	offer: "ladder" | "request";
}

export interface JpegRendition extends Offer {
	codec: "jpeg";
	/** The JPEG encoder's number, 1..100. */
	quality: number;
}

export interface H264Rendition extends Offer {
	codec: "h264";
	/** x264's constant rate factor, 0..51, lower is better; what is aimed at below `maxBps`. */
	crf: number;
	/** Bits per second it never exceeds over a quarter of a second. */
	maxBps: number;
}

/** One encoding of a camera, made and decoded without any other. */
export type Rendition = JpegRendition | H264Rendition;

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
// A rung below the camera's own costs this many times less: one nearer looks as good to whoever chooses, so the choice
// would stay on it, and have made what need not be made.
const OWN_STEP = 1.75;
const OWN_SSIM = 1; // it is the source; of no encoding measured
const BYTES_EXPONENT = 0.77; // bytes grow slower than pixels: 180p to 720p at q40 is 16x the pixels, 8.5x the bytes

interface H264Step {
	lines: number;
	crf: number;
	maxBps: number;
	nominalBytes: number;
	ssim: number;
	/** The same of a source of 1080 lines. */
	ssimOf1080: number;
}

// Measured with x264 superfast (the agent's settings take fewer bits of a still scene, the same in a pan) on a still
// scene with moving things and on a pan, both with a camera's noise: bytes are geometric means at 30 frames a second,
// SSIM the mean of what JPEG of the same likeness has above; 1080 lines on the still scene alone
// (tests/bench/codecs.ts).
const H264_STEPS: readonly H264Step[] = [
	{ lines: 240, crf: 28, maxBps: 200_000, nominalBytes: 820, ssim: 0.83, ssimOf1080: 0.81 },
	{ lines: 360, crf: 26, maxBps: 500_000, nominalBytes: 1_930, ssim: 0.87, ssimOf1080: 0.855 },
	{ lines: 540, crf: 26, maxBps: 1_000_000, nominalBytes: 3_110, ssim: 0.9, ssimOf1080: 0.885 },
	{ lines: 720, crf: 26, maxBps: 1_500_000, nominalBytes: 4_560, ssim: 0.94, ssimOf1080: 0.91 },
	{ lines: 720, crf: 24, maxBps: 3_000_000, nominalBytes: 10_800, ssim: 0.96, ssimOf1080: 0.93 },
	{ lines: TOP_LINES, crf: 24, maxBps: 5_000_000, nominalBytes: 16_700, ssim: 0.96, ssimOf1080: 0.96 },
];
const H264_ID = 200; // rung i has id 200 + i, in every ladder it is part of
const H264_REDUCED_SHARE = 0.8; // of the source's lines that a reduced rung has at most
const LARGE_LINES = 900;
const LEAST_SHARE = 1 / 16; // of the rate of 720 lines: tiny sources need some anyway

/**
 * Every rendition a camera of this size offers: its ladders, cheapest first, then what is made on request only.
 * `ownQuality`: of the JPEGs the camera itself gives, when they may be passed on.
 */
export function renditionsFor(source: Size, ownQuality: number | null = null): Rendition[] {
	return [
		...(ownQuality === null ? ladderFor(source) : ladderWithOwn(source, ownQuality)),
		...h264LadderFor(source),
		...QUALITY_COST.map((row) => fullSize(source, row)),
	];
}

/** The ladder of one codec among `renditions`, cheapest rung first. */
export function ladderOf<C extends Rendition["codec"]>(
	renditions: readonly Rendition[],
	codec: C,
): Extract<Rendition, { codec: C }>[] {
	return renditions.filter(
		(rendition): rendition is Extract<Rendition, { codec: C }> =>
			rendition.offer === "ladder" && rendition.codec === codec,
	);
}

/** The JPEG ladder alone, cheapest rung first; rung i has id i. */
export function ladderFor(source: Size): JpegRendition[] {
	const lines = Math.min(source.width, source.height);
	const measuredLines = lines >= LARGE_LINES ? 1080 : 720;
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

/**
 * The JPEG ladder with the camera's own JPEGs as its top rung, in place of those that cost about as much or more: made
 * of these they would look worse. The ladder as it is for sources larger than it ever gets.
 */
export function ladderWithOwn(source: Size, quality: number): JpegRendition[] {
	const ladder = ladderFor(source);
	if (Math.min(source.width, source.height) > TOP_LINES) return ladder;
	// Nominal like the rest, not what the camera's scene takes now: that is known of no other rung either.
	const nominalBytes = bytesAt(source, costOfQuality(quality), 720);
	const below = ladder.filter((rung) => OWN_STEP * rung.nominalBytes <= nominalBytes);
	const { width, height } = source;
	const own = { id: below.length, width, height, quality, nominalBytes, ssim: OWN_SSIM };
	return [...below, { ...own, codec: "jpeg", offer: "ladder" }];
}

/** Whether this rung is the camera's own JPEGs, untouched. */
export function isOwn(rendition: Rendition): boolean {
	return rendition.codec === "jpeg" && rendition.ssim === OWN_SSIM;
}

/** The rendition of the source's own size nearest to a JPEG quality of 30..95, as ReRo-CCTV's endpoint asks for. */
export function qualityId(quality: number): number {
	return QUALITY_ID + Math.min(95, Math.max(30, Math.round(quality / 5) * 5));
}

/** What people call a rendition: "720p q50", "720p original", "720p H.264 3 Mbit/s". */
export function renditionName(rendition: Rendition): string {
	const lines = Math.min(rendition.width, rendition.height);
	if (isOwn(rendition)) return `${lines}p original`;
	if (rendition.codec === "jpeg") return `${lines}p q${rendition.quality}`;
	const kilobits = rendition.maxBps / 1000;
	return `${lines}p H.264 ${kilobits < 1000 ? `${kilobits} kbit/s` : `${kilobits / 1000} Mbit/s`}`;
}

/** The H.264 ladder alone, cheapest rung first. */
export function h264LadderFor(source: Size): H264Rendition[] {
	const lines = Math.min(source.width, source.height);
	const isLarge = lines >= LARGE_LINES;
	return H264_STEPS.flatMap((step, index) => {
		const isFull = isLarge ? step.lines === TOP_LINES : step.lines === 720;
		if (!isFull && step.lines > H264_REDUCED_SHARE * lines) return [];
		const size = evened(scaled(source, isFull ? TOP_LINES : step.lines));
		const pixels = (step.lines * step.lines * 16) / 9; // of the size it was measured at
		const share = Math.max(LEAST_SHARE, ((size.width * size.height) / pixels) ** BYTES_EXPONENT);
		return {
			id: H264_ID + index,
			codec: "h264",
			...size,
			crf: step.crf,
			maxBps: Number((step.maxBps * share).toPrecision(2)),
			nominalBytes: Math.round(step.nominalBytes * share),
			ssim: isLarge ? step.ssimOf1080 : step.ssim,
			offer: "ladder",
		};
	});
}

function stepsFor(lines: number): readonly Step[] {
	if (lines >= LARGE_LINES) return LADDER_1080;
	if (lines >= 600) return LADDER_720;
	return LADDER_720.filter((step) => step.lines === FULL || step.lines <= lines * REDUCED_SHARE);
}

function fullSize(source: Size, [quality, bytesAt720p, ssim]: (typeof QUALITY_COST)[number]): JpegRendition {
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

/** Bytes of a picture of 720 lines in any quality, between and beyond the measured ones. */
function costOfQuality(quality: number): number {
	const above = QUALITY_COST.findIndex(([measured], i) => i > 0 && measured >= quality);
	const to = above < 0 ? QUALITY_COST.length - 1 : above;
	const [low, lowBytes] = QUALITY_COST[to - 1]!;
	const [high, highBytes] = QUALITY_COST[to]!;
	return lowBytes * (highBytes / lowBytes) ** ((quality - low) / (high - low));
}

/** What a frame of `size` takes when one of `measuredLines` at 16:9 took `measuredBytes`. */
function bytesAt({ width, height }: Size, measuredBytes: number, measuredLines: number): number {
	const measuredPixels = (measuredLines * measuredLines * 16) / 9;
	return Math.round(measuredBytes * ((width * height) / measuredPixels) ** BYTES_EXPONENT);
}

function scaled(source: Size, lines: number): Size {
	const share = lines / Math.min(source.width, source.height);
	if (share >= 1) return { width: source.width, height: source.height };
	const even = (length: number) => Math.max(2, Math.round((length * share) / 2) * 2);
	return { width: even(source.width), height: even(source.height) };
}

/** H.264 in 4:2:0 knows even sizes only. */
function evened({ width, height }: Size): Size {
	const even = (length: number) => length - (length % 2);
	return { width: even(width), height: even(height) };
}
