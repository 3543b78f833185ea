/** Open or shut; whoever needs it open can wait. */
export class Gate {
	#isOpen = false;
	#waiting = Promise.withResolvers<void>();

	get isOpen(): boolean {
		return this.#isOpen;
	}

	set(isOpen: boolean): void {
		if (isOpen === this.#isOpen) return;
		this.#isOpen = isOpen;
		if (isOpen) this.#waiting.resolve();
		else this.#waiting = Promise.withResolvers<void>();
	}

	/** Resolves once it is open or the signal aborts. */
	async whenOpen(signal: AbortSignal): Promise<void> {
		if (this.#isOpen || signal.aborted) return;
		const { promise, resolve } = Promise.withResolvers<void>();
		const done = () => resolve();
		signal.addEventListener("abort", done, { once: true });
		await Promise.race([this.#waiting.promise, promise]);
		signal.removeEventListener("abort", done);
	}
}
