import { events } from '$lib/events.svelte';
import type { Schemas } from '$lib/types';

const LOOK_MS = 1500;

/** Until the daemon says that the run has changed; and after a while, since it may be said while nobody listens. */
export function runChanged(run: number, signal: AbortSignal): Promise<void> {
	return new Promise((done) => {
		const finish = () => {
			clearTimeout(timer);
			stop();
			done();
		};
		const timer = setTimeout(finish, LOOK_MS);
		const stop = events.listen(({ type, data }) => {
			if (type === 'run' && (data as Schemas['PushRun']).run.id === run) finish();
		});
		signal.addEventListener('abort', finish, { once: true });
	});
}
