import type { Stages } from "../meter.ts";
import type { CameraStats } from "../screen.ts";

const SPAN_MS = 120_000;

/** What one camera showed at one instant; null: nothing new. */
export interface Sample {
	/** Engine clock, ms. */
	time: number;
	stages: Stages | null;
	framesPerSecond: number;
	bitsPerSecond: number;
	/** Short side of the picture on screen. */
	lines: number;
}

/** The last two minutes of one camera, oldest first; four samples a second. */
export class Samples {
	#samples: Sample[] = [];
	#camera: string | null = null;

	/** Starts anew with another camera. */
	add(camera: string, now: number, stats: CameraStats): void {
		if (camera !== this.#camera) this.#samples = [];
		this.#camera = camera;
		this.#samples.push({
			time: now,
			stages: stats.framesPerSecond > 0 ? stats.stages : null,
			framesPerSecond: stats.framesPerSecond,
			bitsPerSecond: stats.bitsPerSecond,
			lines: Math.min(stats.frameWidth, stats.frameHeight),
		});
		while (this.#samples[0] && this.#samples[0].time < now - SPAN_MS) this.#samples.shift();
	}

	/** Of that camera, if it is the one followed. */
	of(camera: string): readonly Sample[] {
		return camera === this.#camera ? this.#samples : [];
	}

	static readonly spanMs = SPAN_MS;
}
