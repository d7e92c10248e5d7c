/** What the daemon proposes to mend something: a request that begins a run, or a view of the page. */
import { api } from './api';
import { path } from './router.svelte';
import type { Attention } from './types';

/** Where more is to be said first; undefined when the action is a request. */
export function viewOf(attention: Attention): string | undefined {
	const { action, stack = '', snapshot = '', run = 0 } = attention;
	switch (action?.view) {
		case 'repository':
			return attention.kind === 'no_repository' ? '/welcome' : '/settings/repository';
		case 'kit':
			return '/settings/kit';
		case 'stack':
			return path`/stacks/${stack}`;
		case 'schedules':
			return path`/stacks/${stack}/schedules`;
		case 'snapshot':
			return path`/snapshots/${snapshot}`;
		case 'run':
			return path`/runs/${run}`;
		case 'restore':
			return path`/restores/${stack}`;
		default:
			return undefined;
	}
}

/** Where it says more about what is wrong. */
export function aboutOf(attention: Attention): string | undefined {
	if (attention.run) return path`/runs/${attention.run}`;
	if (attention.snapshot) return path`/snapshots/${attention.snapshot}`;
	if (attention.stack) return path`/stacks/${attention.stack}`;
	return undefined;
}

/** Do it; gives the run that was begun, when one was. */
export async function perform(action: NonNullable<Attention['action']>): Promise<number | undefined> {
	const answer = await api.send(action.method ?? 'POST', action.path ?? '', action.body);
	return typeof answer === 'object' && answer !== null && 'run' in answer ? Number(answer.run) : undefined;
}
