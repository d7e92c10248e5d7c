/** How fast a step goes, and how long it will take, from what its progress tells. */

interface Told {
	bytes?: number | undefined;
	bytes_total?: number | undefined;
	files?: number | undefined;
	files_total?: number | undefined;
	elapsed_ns?: number | undefined;
}

export interface Pace {
	/** 0 to 1; undefined when nobody knows the whole. */
	part: number | undefined;
	bytesPerSecond: number | undefined;
	leftMs: number | undefined;
}

/** A rate is a mean over about this long, so that it neither jumps nor clings to the past. */
const WINDOW_MS = 4000;

export class Rate {
	#lastBytes = 0;
	#lastMs = -1;
	#rate: number | undefined;

	/** A new step. */
	reset(): void {
		this.#lastMs = -1;
		this.#lastBytes = 0;
		this.#rate = undefined;
	}

	tell(told: Told): Pace {
		const at = (told.elapsed_ns ?? 0) / 1_000_000;
		const bytes = told.bytes ?? 0;
		if (at < this.#lastMs || bytes < this.#lastBytes) this.reset();
		this.#learn(bytes, at);
		this.#lastBytes = bytes;
		this.#lastMs = at;
		return { part: part(told), bytesPerSecond: this.#rate, leftMs: this.#left(told) };
	}

	#learn(bytes: number, at: number): void {
		if (this.#lastMs < 0) {
			// The first word of a step that began before: its mean until now.
			if (at > 0 && bytes > 0) this.#rate = (bytes / at) * 1000;
			return;
		}
		const span = at - this.#lastMs;
		if (span <= 0) return;
		const now = ((bytes - this.#lastBytes) / span) * 1000;
		const weight = 1 - Math.exp(-span / WINDOW_MS);
		this.#rate = this.#rate === undefined ? now : this.#rate + weight * (now - this.#rate);
	}

	#left(told: Told): number | undefined {
		if (told.bytes_total === undefined || !this.#rate || this.#rate < 1) return undefined;
		return (Math.max(0, told.bytes_total - (told.bytes ?? 0)) / this.#rate) * 1000;
	}
}

/** By bytes where they are known, else by files. */
export function part(told: Told): number | undefined {
	if (told.bytes_total) return Math.min(1, (told.bytes ?? 0) / told.bytes_total);
	if (told.files_total) return Math.min(1, (told.files ?? 0) / told.files_total);
	return undefined;
}
