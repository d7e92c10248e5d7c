/*
 * Pages of a long list that the server has: those around what is seen are kept, the others are asked for again when
 * they are needed.
 *
 * `show` says which rows are seen: their pages are asked for first, then the next ones in the direction of the
 * scrolling. What is asked for and far out of sight by now is given up. An error belongs to its page; showing
 * the page again asks again, no sooner than RETRY_MS later.
 */
export interface PageSource<T> {
	(offset: number, limit: number, signal: AbortSignal): Promise<T[]>;
}

/** Rows from one on to behind another. The server gives fewer at a time when they are large. */
export async function wholePage<T>(
	load: (offset: number, limit: number, signal: AbortSignal) => Promise<{ rows: T[] }>,
	from: number,
	end: number,
	signal: AbortSignal,
): Promise<T[]> {
	const rows: T[] = [];
	while (from + rows.length < end) {
		const part = await load(from + rows.length, end - from - rows.length, signal);
		if (part.rows.length === 0) break;
		rows.push(...part.rows);
	}
	return rows;
}

interface Page<T> {
	rows: T[] | null;
	error: unknown;
	failedAt: number;
	/** While it is asked for. */
	abort: AbortController | null;
	/** When it was last seen, in calls of show. */
	used: number;
}

const RETRY_MS = 2000;

export interface PagesOptions {
	pageSize?: number;
	/** Pages that are kept. */
	keep?: number;
	/** Pages asked for beyond the last one seen. */
	ahead?: number;
	/** Requests at a time. */
	parallel?: number;
	now?: () => number;
}

export class Pages<T> {
	readonly pageSize: number;
	private readonly keep: number;
	private readonly ahead: number;
	private readonly parallel: number;
	private readonly now: () => number;
	private readonly pages = new Map<number, Page<T>>();
	private wanted: number[] = [];
	private clock = 0;
	private lastFirst = 0;
	private isClosed = false;

	constructor(
		private readonly source: PageSource<T>,
		public rows: number,
		private readonly changed: () => void,
		options: PagesOptions = {},
	) {
		this.pageSize = options.pageSize ?? 100;
		this.keep = options.keep ?? 30;
		this.ahead = options.ahead ?? 2;
		this.parallel = options.parallel ?? 3;
		this.now = options.now ?? Date.now;
	}

	/** A row, when its page is here. */
	get(index: number): T | undefined {
		const page = this.pages.get(Math.floor(index / this.pageSize));
		return page?.rows?.[index % this.pageSize];
	}

	/** A page that came with the number of rows. */
	seed(n: number, rows: T[]): void {
		this.pages.set(n, { rows, error: null, failedAt: -Infinity, abort: null, used: this.clock });
	}

	errorAt(index: number): unknown {
		return this.pages.get(Math.floor(index / this.pageSize))?.error ?? null;
	}

	/** How many pages are held, asked for or here: for tests of the bound. */
	get held(): number {
		return this.pages.size;
	}

	show(first: number, end: number): void {
		if (this.isClosed || this.rows === 0 || end <= first) return;
		this.clock++;
		const last = Math.floor((this.rows - 1) / this.pageSize);
		const from = Math.floor(first / this.pageSize);
		const to = Math.min(last, Math.floor((end - 1) / this.pageSize));
		const isDown = first >= this.lastFirst;
		this.lastFirst = first;
		const seen: number[] = [];
		for (let n = from; n <= to; n++) seen.push(n);
		const beyond: number[] = [];
		for (let k = 1; k <= this.ahead; k++) {
			const n = isDown ? to + k : from - k;
			if (n >= 0 && n <= last) beyond.push(n);
		}
		const behind = isDown ? from - 1 : to + 1;
		if (behind >= 0 && behind <= last) beyond.push(behind);
		this.wanted = [...seen, ...beyond];
		for (const n of this.wanted) {
			const page = this.pages.get(n);
			if (page) page.used = this.clock;
		}
		this.giveUp(from, to);
		this.drop();
		this.pump();
	}

	close(): void {
		this.isClosed = true;
		this.wanted = [];
		for (const page of this.pages.values()) page.abort?.abort();
		this.pages.clear();
	}

	private giveUp(from: number, to: number): void {
		const far = this.ahead + 2;
		for (const [n, page] of this.pages)
			if (page.abort && (n < from - far || n > to + far)) {
				page.abort.abort();
				this.pages.delete(n);
			}
	}

	private drop(): void {
		if (this.pages.size <= this.keep) return;
		const old = [...this.pages]
			.filter(([, page]) => page.used !== this.clock && !page.abort)
			.sort((a, b) => a[1].used - b[1].used);
		for (const [n] of old.slice(0, this.pages.size - this.keep)) this.pages.delete(n);
	}

	private pump(): void {
		let busy = 0;
		for (const page of this.pages.values()) if (page.abort) busy++;
		for (const n of this.wanted) {
			if (busy >= this.parallel) return;
			const page = this.pages.get(n);
			if (page?.abort || page?.rows) continue;
			if (page && this.now() - page.failedAt < RETRY_MS) continue;
			void this.load(n);
			busy++;
		}
	}

	private async load(n: number): Promise<void> {
		const abort = new AbortController();
		const page: Page<T> = {
			rows: null,
			error: null,
			failedAt: -Infinity,
			abort,
			used: this.clock,
		};
		this.pages.set(n, page);
		const offset = n * this.pageSize;
		const limit = Math.min(this.pageSize, this.rows - offset);
		try {
			page.rows = await this.source(offset, limit, abort.signal);
		} catch (e) {
			page.error = e;
			page.failedAt = this.now();
		}
		// Given up meanwhile, and perhaps asked for again: then this is not its page any more.
		if (this.pages.get(n) !== page) return;
		page.abort = null;
		if (this.isClosed) return;
		this.changed();
		this.pump();
	}
}
