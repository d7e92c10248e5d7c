/*
 * A list of the server's, for a virtual list: how long it is, its rows as they come, and what is wrong with it.
 * What its loader reads may change: then it begins again.
 */
import { untrack } from 'svelte';
import { asProblem, type Problem } from '$lib/problem';
import { Pages, wholePage } from './pages';

export interface Part<T> {
	rows: T[];
	total: number;
}

export type PartLoader<T> = (offset: number, limit: number, signal: AbortSignal) => Promise<Part<T>>;

const PAGE_SIZE = 200;

export class PagedList<T> {
	total = $state(0);
	isLoading = $state(true);
	problem = $state.raw<Problem | undefined>(undefined);
	/** Counts what has come: rows are read anew by those who look at it. */
	version = $state(0);
	private pages: Pages<T> | null = null;
	private seen: [number, number] = [0, 0];

	/** loader() is called again when what it reads has changed; null: there is nothing to load yet. */
	constructor(private readonly loader: () => PartLoader<T> | null) {
		$effect(() => {
			const load = this.loader();
			const abort = new AbortController();
			if (load) untrack(() => void this.begin(load, abort));
			return () => {
				abort.abort();
				this.pages?.close();
				this.pages = null;
			};
		});
	}

	private async begin(load: PartLoader<T>, abort: AbortController): Promise<void> {
		this.isLoading = true;
		this.problem = undefined;
		try {
			const first = await load(0, PAGE_SIZE, abort.signal);
			const rest = await wholePage(load, first.rows.length, Math.min(PAGE_SIZE, first.total), abort.signal);
			if (abort.signal.aborted) return;
			const pages = new Pages<T>(
				(offset, limit, signal) => wholePage(load, offset, offset + limit, signal),
				first.total,
				() => this.version++,
				{ pageSize: PAGE_SIZE, keep: 30, ahead: 2 },
			);
			pages.seed(0, [...first.rows, ...rest]);
			this.pages = pages;
			this.total = first.total;
			this.version++;
			this.show(...this.seen);
		} catch (thrown) {
			if (abort.signal.aborted) return;
			this.problem = asProblem(thrown);
			this.total = 0;
		}
		this.isLoading = false;
	}

	/** For a virtual list: these rows are seen. */
	show = (first: number, end: number): void => {
		this.seen = [first, end];
		this.pages?.show(first, Math.min(end, this.pages.rows));
	};

	get(index: number): T | undefined {
		void this.version;
		return this.pages?.get(index);
	}

	problemAt(index: number): Problem | undefined {
		void this.version;
		const error = this.pages?.errorAt(index);
		return error ? asProblem(error) : undefined;
	}
}
