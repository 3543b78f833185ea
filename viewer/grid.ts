const MIN_TILE_WIDTH = 260; // CSS px: below it a tile says nothing, so the grid scrolls instead
const GRID_GAP = 4; // CSS px

export interface Box {
	width: number;
	height: number;
}

export interface Grid {
	columns: number;
	/** Of one tile, CSS px. */
	tileWidth: number;
}

/** The grid that shows `count` tiles of this aspect (width / height) as large as the box allows, all at once if it can. */
export function gridFor(count: number, { width, height }: Box, aspect: number): Grid {
	// Where one column is all there is room for, it takes the whole width.
	if (width < 2 * MIN_TILE_WIDTH) return { columns: 1, tileWidth: width };
	const most = Math.max(1, Math.min(count, Math.floor((width + GRID_GAP) / (MIN_TILE_WIDTH + GRID_GAP))));
	let best: Grid = { columns: 1, tileWidth: 0 };
	for (let columns = 1; columns <= most; columns++) {
		const rows = Math.ceil(count / columns);
		const widest = (width - GRID_GAP * (columns - 1)) / columns;
		const tileWidth = Math.min(widest, ((height - GRID_GAP * (rows - 1)) / rows) * aspect);
		if (tileWidth > best.tileWidth) best = { columns, tileWidth };
	}
	if (best.tileWidth >= Math.min(MIN_TILE_WIDTH, width)) return best;
	return { columns: most, tileWidth: (width - GRID_GAP * (most - 1)) / most };
}
