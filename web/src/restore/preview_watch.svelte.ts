/*
 * A preview that is made: begun by the caller, watched until it is known.
 */
import { api } from '$lib/api';
import { asProblem, type Problem } from '$lib/problem';
import { isOver } from '$lib/runs';
import type { Schemas } from '$lib/types';
import { runChanged } from '../diff/run_changed';

export class PreviewWatch {
	data = $state.raw<Schemas['RestorePreview'] | undefined>(undefined);
	problem = $state.raw<Problem | undefined>(undefined);
	isWorking = $state(false);
	private abort: AbortController | null = null;

	async make(begin: (signal: AbortSignal) => Promise<{ run: number }>): Promise<void> {
		this.stop();
		const abort = new AbortController();
		this.abort = abort;
		this.isWorking = true;
		this.problem = undefined;
		try {
			const { run } = await begin(abort.signal);
			await this.watch(run, abort.signal);
		} catch (thrown) {
			if (!abort.signal.aborted) this.problem = asProblem(thrown);
		}
		if (!abort.signal.aborted) this.isWorking = false;
	}

	stop(): void {
		this.abort?.abort();
		this.isWorking = false;
		this.data = undefined;
	}

	private async watch(run: number, signal: AbortSignal): Promise<void> {
		for (;;) {
			const data = await api.get('/restores/previews/{run}', { path: { run }, signal });
			if (signal.aborted) return;
			this.data = data;
			if (isOver(data.run)) return;
			await runChanged(run, signal);
		}
	}
}
