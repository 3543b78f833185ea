/** A file written piece by piece and kept by the browser, which may put it on its disk. */
export class BlobFile {
	#blob = new Blob();
	#patches: { position: number; data: Uint8Array<ArrayBuffer> }[] = [];

	/** Appends, or says anew what was written before; the data is copied. */
	write(position: number, data: Uint8Array<ArrayBuffer>): void {
		if (position === this.#blob.size) this.#blob = new Blob([this.#blob, data]);
		else if (position + data.byteLength <= this.#blob.size)
			this.#patches.push({ position, data: data.slice() });
		else throw new RangeError(`a gap or an overlap at byte ${position} of ${this.#blob.size}`);
	}

	/** What was written, as one. */
	finish(type: string): Blob {
		let whole = this.#blob;
		for (const { position, data } of this.#patches)
			whole = new Blob([whole.slice(0, position), data, whole.slice(position + data.byteLength)]);
		return new Blob([whole], { type });
	}
}
