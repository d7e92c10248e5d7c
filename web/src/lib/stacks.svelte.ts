/** The names of all stacks, for the navigation and the palette. */
import { api } from './api';
import { Resource } from './resource.svelte';
import type { Schemas } from './types';

export type StackList = Resource<Schemas['StackList']>;

export function stackList(): StackList {
	return new Resource((signal) => api.get('/stacks', { signal }), { on: ['stack', 'snapshot', 'repository'] });
}
