/*
 * A comparison of two points: begun when it is looked at, watched while it is made, and then there to be paged through.
 */
import { untrack } from 'svelte';
import { api } from '$lib/api';
import { events } from '$lib/events.svelte';
import { asProblem, type Problem } from '$lib/problem';
import { isOver } from '$lib/runs';
import { session } from '$lib/session.svelte';
import type { Points } from './address';
import { runChanged } from './run_changed';
import type { Diff } from './types';


export class Comparison {
	run = $state<number | null>(null);
	diff = $state.raw<Diff | undefined>(undefined);
	problem = $state.raw<Problem | undefined>(undefined);
	isWorking = $state(true);
	/** What it is doing, while it works. */
	step = $state('');
	share = $state<number | undefined>(undefined);
	private abort: AbortController | null = null;

	constructor(private readonly points: () => Points) {
		$effect(() => {
			const { a, b } = this.points();
			void session.generation;
			untrack(() => void this.begin(a, b, false));
			return () => this.abort?.abort();
		});
		$effect(() =>
			events.listen(({ type, data }) => {
				const said = data as { run?: number; event?: Said };
				if (type === 'log' && said.run === this.run && said.event) this.hear(said.event);
			}),
		);
	}

	/** Compare again: what is live has changed since. */
	again(): void {
		const { a, b } = this.points();
		void this.begin(a, b, true);
	}

	private hear(event: Said): void {
		if (event.type === 'phase') {
			this.step = event.text ?? '';
			this.share = undefined;
		} else if (event.type === 'progress') {
			this.share = event.bytes_total ? (event.bytes ?? 0) / event.bytes_total : undefined;
		}
	}

	private async begin(a: string, b: string, fresh: boolean): Promise<void> {
		this.abort?.abort();
		const abort = new AbortController();
		this.abort = abort;
		this.isWorking = true;
		this.problem = undefined;
		this.step = '';
		this.share = undefined;
		try {
			const started = await api.post('/diffs', {
				body: { a, b, ...(fresh ? { fresh } : {}) },
				signal: abort.signal,
			});
			this.run = started.run;
			await this.watch(started.run, abort.signal);
		} catch (thrown) {
			if (!abort.signal.aborted) this.problem = asProblem(thrown);
		}
		if (!abort.signal.aborted) this.isWorking = false;
	}

	private async watch(run: number, signal: AbortSignal): Promise<void> {
		for (;;) {
			const diff = await api.get('/diffs/{run}', { path: { run }, signal });
			if (isOver(diff.run)) {
				this.diff = diff;
				return;
			}
			await runChanged(run, signal);
		}
	}
}

interface Said {
	type?: string;
	text?: string;
	bytes?: number;
	bytes_total?: number;
}
