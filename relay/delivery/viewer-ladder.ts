import type { Codec } from "#shared/frame.ts";
import { ladderOf, type Rendition } from "#shared/ladder.ts";
import { pictureValue } from "./allocation.ts";
import type { Rung } from "./evidence.ts";

const RUNGS_MS = 100; // all viewers of a camera share one look at its sizes
const START_BYTES = 20_000; // on a network just met one picture is at most this: 360p q60, or a key of 540p
const START_SHARE = 0.6; // of a remembered or barely measured rate that a rung may take: networks change

/** What a frame of this scene takes now. */
type SizeOf = (rendition: Rendition, now: number) => Pick<Rung, "bytes" | "keyBytes">;

/**
 * The rungs that one kind of viewer is moved among, worst first. Whoever decodes H.264 has that ladder, and below it the
 * least JPEG: frames of H.264 cannot be left out one by one, so on a link too slow for its lowest rung a few small JPEGs
 * a second are what is left.
 */
export class ViewerLadder {
	readonly codec: Codec;
	readonly renditions: readonly Rendition[];
	readonly #least: number; // the lowest rung that a small window can make enough
	readonly #sizeOf: SizeOf;
	#rungs: readonly Rung[] = [];
	#rungsTime = Number.NEGATIVE_INFINITY;

	/** Of a camera with these `renditions`; JPEG where it has no H.264. */
	constructor(renditions: readonly Rendition[], codec: Codec, sizeOf: SizeOf) {
		const jpeg = ladderOf(renditions, "jpeg");
		const h264 = codec === "h264" ? ladderOf(renditions, "h264") : [];
		this.codec = h264.length > 0 ? "h264" : "jpeg";
		const floor = h264.length > 0 ? jpeg.slice(0, 1) : [];
		this.renditions = h264.length > 0 ? [...floor, ...h264] : jpeg;
		this.#least = floor.length;
		this.#sizeOf = sizeOf;
	}

	/** The rungs as the choice of one sees them: sizes of this scene, now. */
	rungs(now: number): readonly Rung[] {
		if (now - this.#rungsTime >= RUNGS_MS) {
			this.#rungsTime = now;
			this.#rungs = this.renditions.map((rendition) => ({
				...this.#sizeOf(rendition, now),
				value: pictureValue(rendition.ssim),
				isSkippable: rendition.codec === "jpeg",
			}));
		}
		return this.#rungs;
	}

	/** The highest rung worth sending to a window of `maxLines`: the best one of the least size that fills it. */
	capFor(maxLines: number | null): number {
		const top = this.renditions.length - 1;
		if (maxLines === null) return top;
		const filling = this.renditions.slice(this.#least).find((rung) => linesOf(rung) >= maxLines);
		if (!filling) return top;
		return this.renditions.findLastIndex((rung) => linesOf(rung) <= linesOf(filling));
	}

	/** Where to begin on a network that carries `carriedBytes` in a frame's interval, by memory or by its first frames. */
	startRung(
		now: number,
		{ carriedBytes, isRemembered }: { carriedBytes: number; isRemembered: boolean },
	): number {
		const isRight = ({ bytes, keyBytes }: Rung) =>
			bytes <= START_SHARE * carriedBytes && (isRemembered || keyBytes <= START_BYTES);
		return Math.max(0, this.rungs(now).findLastIndex(isRight));
	}

	/** The rung of this id, else the next below it. */
	indexOf(id: number): number {
		return Math.max(
			0,
			this.renditions.findLastIndex((rung) => rung.id <= id),
		);
	}
}

function linesOf({ width, height }: Rendition): number {
	return Math.min(width, height);
}
