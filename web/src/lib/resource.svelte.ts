/**
 * Something of the API that a view shows: loaded when the view appears, again when what its loader reads
 * changes, when one of the named events arrives, and after the connection was lost.
 *
 *	const runs = new Resource((signal) => api.get('/runs', { signal }), { on: ['run'] });
 *
 * Make it while a component is set up. What was loaded stays while it is loaded again.
 */
import { untrack } from 'svelte';
import { events } from './events.svelte';
import { asProblem, type Problem } from './problem';
import { session } from './session.svelte';
import type { StreamEvent } from './stream';

interface Options {
	/** Types of events after which it is stale. */
	on?: readonly string[];
	/** Only these of them. */
	when?: (event: StreamEvent) => boolean;
}

const QUIET_MS = 250;

export class Resource<T> {
	data = $state.raw<T | undefined>(undefined);
	problem = $state.raw<Problem | undefined>(undefined);
	isLoading = $state(true);
	#load: (signal: AbortSignal) => Promise<T>;
	#abort: AbortController | null = null;
	#timer: ReturnType<typeof setTimeout> | undefined;

	constructor(load: (signal: AbortSignal) => Promise<T>, options: Options = {}) {
		this.#load = load;
		$effect(() => {
			void session.generation;
			void events.reconnections;
			void this.refresh();
			return () => this.#abort?.abort();
		});
		$effect(() => {
			if (!options.on) return;
			const stop = events.listen((event) => {
				const isMeant = options.on?.includes(event.type) && options.when?.(event) !== false;
				if (!isMeant && event.type !== 'reset') return;
				clearTimeout(this.#timer);
				this.#timer = setTimeout(() => void this.refresh(), QUIET_MS);
			});
			return () => {
				clearTimeout(this.#timer);
				stop();
			};
		});
	}

	async refresh(): Promise<void> {
		this.#abort?.abort();
		const abort = new AbortController();
		this.#abort = abort;
		const loading = this.#load(abort.signal); // what it reads, the effect depends on
		untrack(() => (this.isLoading = true));
		try {
			const data = await loading;
			if (abort.signal.aborted) return;
			this.data = data;
			this.problem = undefined;
		} catch (thrown) {
			if (abort.signal.aborted) return;
			this.problem = asProblem(thrown);
		}
		this.isLoading = false;
	}
}
