/** How often a value fell where: counts that only grow, as Prometheus takes them. */
export class Histogram {
	/** Upper edges, ascending; a value equal to an edge belongs below it. */
	readonly bounds: readonly number[];
	/** One count per edge, and one for what lies above the last. */
	readonly counts: number[];
	sum = 0;

	constructor(bounds: readonly number[]) {
		this.bounds = bounds;
		this.counts = new Array<number>(bounds.length + 1).fill(0);
	}

	add(value: number): void {
		let index = 0;
		while (index < this.bounds.length && value > this.bounds[index]!) index++;
		this.counts[index]!++;
		this.sum += value;
	}
}
