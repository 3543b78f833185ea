const SAMPLE_MS = 10; // the age on screen is looked at this often, so that a freeze counts as long as it lasts
const FREEZE_MS = 300;

/** One picture as somebody saw it; instants by `localNow`. */
export interface Shown {
	showTime: number;
	captureTime: number;
	rendition: number;
	bytes: number;
}

/** The part of a run that counts; `startTime` is when the viewer came. */
export interface Span {
	startTime: number;
	fromTime: number;
	toTime: number;
}

/** What a viewer got. Ages and shares are of time, not of frames. */
export interface Figures {
	ageP50: number;
	ageP95: number;
	ageP99: number;
	framesPerSecond: number;
	freezesPerMinute: number;
	/** Share of the time that belongs to gaps over 300 ms. */
	frozenShare: number;
	/** Mean over time of the shown rendition's nominal SSIM; 0 while nothing is shown. */
	ssim: number;
	/** Mean over time of the ladder's rungs; null when others were shown. */
	rung: number | null;
	switchesPerMinute: number;
	/** Received, shown or not. */
	kbps: number;
}

/** What the metrics have to know of renditions. */
export interface Scale {
	ssimOf(rendition: number): number;
	isRung(rendition: number): boolean;
}

/** The age on screen at each sample instant of the span; before the first picture, since the viewer came. */
export function agesOf(shown: readonly Shown[], span: Span): number[] {
	const ages: number[] = [];
	walk(shown, span, (now, last) => ages.push(now - (last?.captureTime ?? span.startTime)));
	return ages;
}

/** Everything at once. `received` in order of arrival; what came after something newer is not shown. */
export function figuresOf(received: readonly Shown[], span: Span, scale: Scale): Figures {
	const shown = inOrder(received);
	const ages = agesOf(shown, span).sort((a, b) => a - b);
	const age = (share: number) =>
		ages[Math.min(ages.length - 1, Math.floor(share * ages.length))] ?? Number.NaN;
	let ssimSum = 0;
	let rungSum = 0;
	let rungSamples = 0;
	let isLadder = true;
	walk(shown, span, (_, last) => {
		if (!last) return;
		ssimSum += scale.ssimOf(last.rendition);
		if (!scale.isRung(last.rendition)) isLadder = false;
		rungSum += last.rendition;
		rungSamples++;
	});
	const within = shown.filter(({ showTime }) => showTime >= span.fromTime && showTime < span.toTime);
	const gaps = gapsOf(within, span).filter((gapMs) => gapMs > FREEZE_MS);
	const switches = within.filter(
		({ rendition }, i) => i > 0 && rendition !== within[i - 1]!.rendition,
	).length;
	const spanMs = span.toTime - span.fromTime;
	const bytes = received
		.filter(({ showTime }) => showTime >= span.fromTime && showTime < span.toTime)
		.reduce((sum, frame) => sum + frame.bytes, 0);
	return {
		ageP50: age(0.5),
		ageP95: age(0.95),
		ageP99: age(0.99),
		framesPerSecond: (within.length * 1000) / spanMs,
		freezesPerMinute: (gaps.length * 60_000) / spanMs,
		frozenShare: gaps.reduce((sum, gapMs) => sum + gapMs, 0) / spanMs,
		ssim: ssimSum / ages.length,
		rung: isLadder && rungSamples > 0 ? rungSum / rungSamples : null,
		switchesPerMinute: (switches * 60_000) / spanMs,
		kbps: (bytes * 8) / spanMs,
	};
}

/** The pictures that were newer than all before them. */
export function inOrder(received: readonly Shown[]): Shown[] {
	let newest = Number.NEGATIVE_INFINITY;
	return received.filter(({ captureTime }) => {
		const isNewer = captureTime > newest;
		if (isNewer) newest = captureTime;
		return isNewer;
	});
}

/** Jain's index of fairness: 1 when all get the same, 1/n when one gets everything. */
export function jain(shares: readonly number[]): number {
	const sum = shares.reduce((a, b) => a + b, 0);
	const squares = shares.reduce((a, b) => a + b * b, 0);
	return squares === 0 ? Number.NaN : sum ** 2 / (shares.length * squares);
}

export function mean(values: readonly number[]): number {
	return values.reduce((a, b) => a + b, 0) / values.length;
}

export function median(values: readonly number[]): number {
	const sorted = values.toSorted((a, b) => a - b);
	return sorted[sorted.length >> 1] ?? Number.NaN;
}

function walk(shown: readonly Shown[], span: Span, visit: (now: number, last: Shown | null) => void): void {
	let next = 0;
	for (let now = span.fromTime; now < span.toTime; now += SAMPLE_MS) {
		while (next < shown.length && shown[next]!.showTime <= now) next++;
		visit(now, shown[next - 1] ?? null);
	}
}

/** Between the pictures of the span, its beginning and its end. */
function gapsOf(within: readonly Shown[], { fromTime, toTime }: Span): number[] {
	const instants = [fromTime, ...within.map(({ showTime }) => showTime), toTime];
	return instants.slice(1).map((time, i) => time - instants[i]!);
}
