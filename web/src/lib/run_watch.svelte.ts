/**
 * A run that is watched: its record, its log, and how fast it goes. Survives a reload, a lost connection and a
 * restart of the daemon: what is missed is read from the log, by its place in it.
 *
 * Make it while a component is set up.
 */
import { api } from './api';
import { events } from './events.svelte';
import { Rate, type Pace } from './rate';
import { Resource } from './resource.svelte';
import { RunLog, type LogLine } from './run_log';
import { isOver } from './runs';
import { session } from './session.svelte';
import type { RunDetail, RunEvent, Schemas } from './types';

const NOTHING: Pace = { part: undefined, bytesPerSecond: undefined, leftMs: undefined };
const QUIET_MS = 120;

export class RunWatch {
	detail: Resource<RunDetail>;
	lines = $state.raw<readonly LogLine[]>([]);
	dropped = $state(0);
	progress = $state.raw<RunEvent | undefined>(undefined);
	pace = $state.raw<Pace>(NOTHING);
	isOver = $derived.by(() => (this.detail.data ? isOver(this.detail.data.run) : false));
	#rate = new Rate();
	#log: RunLog;
	#timer: ReturnType<typeof setTimeout> | undefined;

	constructor(readonly id: number) {
		this.#log = new RunLog((from, limit) => api.get('/runs/{id}/events', { path: { id }, query: { from, limit } }));
		this.detail = new Resource((signal) => api.get('/runs/{id}', { path: { id }, signal }), {
			on: ['run', 'log'],
			when: (event) => {
				if (event.type === 'run') return (event.data as Schemas['PushRun']).run.id === id;
				const log = event.data as Schemas['PushLog'];
				return log.run === id && (log.event.type === 'phase' || log.event.type === 'service');
			},
		});
		$effect(() => {
			void session.generation;
			void events.reconnections;
			this.#catchUp();
			return () => clearTimeout(this.#timer);
		});
		$effect(() => events.listen((event) => this.#hear(event.type, event.data)));
	}

	#hear(type: string, data: unknown): void {
		if (type === 'reset') this.#soon();
		if (type === 'run' && (data as Schemas['PushRun']).run.id === this.id) this.#soon();
		if (type !== 'log') return;
		const said = data as Schemas['PushLog'];
		if (said.run !== this.id) return;
		if (said.event.type === 'progress') this.#tell(said.event);
		else this.#soon();
		if (said.event.type === 'phase') this.#forget();
	}

	#tell(progress: RunEvent): void {
		this.progress = progress;
		this.pace = this.#rate.tell(progress);
	}

	#forget(): void {
		this.#rate.reset();
		this.progress = undefined;
		this.pace = NOTHING;
	}

	#soon(): void {
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.#catchUp(), QUIET_MS);
	}

	#catchUp(): void {
		this.#log.catchUp().then(
			() => {
				this.lines = this.#log.lines;
				this.dropped = this.#log.dropped;
				if (!this.progress && this.#log.progress && !this.isOver) this.#tell(this.#log.progress);
			},
			() => {
				// Away, or the session is over: read again when either is back, as the effect says.
			},
		);
	}
}
