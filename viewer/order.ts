/** The cameras as a person put them; those never moved keep their place after the ones they followed. */
export function arranged<T extends { id: string }>(cameras: readonly T[], order: readonly string[]): T[] {
	const place = new Map(order.map((id, i) => [id, i]));
	let last = -1;
	return cameras
		.map((camera, i) => {
			last = place.get(camera.id) ?? last;
			return { camera, place: place.get(camera.id) ?? last + 0.5, i };
		})
		.toSorted((a, b) => a.place - b.place || a.i - b.i)
		.map(({ camera }) => camera);
}

/** The ids with one of them at another index, as far as there is one. */
export function moved(ids: readonly string[], id: string, index: number): string[] {
	const rest = ids.filter((one) => one !== id);
	return rest.toSpliced(Math.min(rest.length, Math.max(0, index)), 0, id);
}
