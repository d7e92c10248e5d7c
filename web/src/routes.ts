/** Every view and its address. Each page is a file of its own that is loaded when it is first shown. */
import type { Component } from 'svelte';
import { match, type Patterns, type Place } from '$lib/router.svelte';
import { askForStylesAgain } from '$lib/styles';

type Params = Record<string, string>;
type Loader = () => Promise<{ default: Component<{ params: Params }> }>;

const loaders = {
	home: () => import('./pages/Home.svelte'),
	welcome: () => import('./pages/Welcome.svelte'),
	stack: () => import('./pages/Stack.svelte'),
	runs: () => import('./pages/Runs.svelte'),
	run: () => import('./pages/Run.svelte'),
	snapshots: () => import('./pages/Snapshots.svelte'),
	snapshot: () => import('./pages/Snapshot.svelte'),
	compare: () => import('./pages/Compare.svelte'),
	diff: () => import('./pages/Diff.svelte'),
	diffOfRun: () => import('./pages/DiffOfRun.svelte'),
	restore: () => import('./pages/Restore.svelte'),
	restores: () => import('./pages/Restores.svelte'),
	settings: () => import('./pages/Settings.svelte'),
} satisfies Record<string, Loader>;

export type PageName = keyof typeof loaders;

const patterns: Patterns<PageName> = [
	['/', 'home'],
	['/welcome', 'welcome'],
	['/stacks/{name}', 'stack'],
	['/stacks/{name}/{tab}', 'stack'],
	['/runs', 'runs'],
	['/runs/{id}', 'run'],
	['/snapshots', 'snapshots'],
	['/snapshots/{id}', 'snapshot'],
	['/snapshots/{id}/restore', 'restore'],
	['/snapshots/{id}/{tab}', 'snapshot'],
	['/snapshots/{id}/{tab}/{path...}', 'snapshot'],
	['/compare', 'compare'],
	['/compare/{a}/{b}', 'diff'],
	['/compare/{a}/{b}/{tab}', 'diff'],
	['/diffs/{run}', 'diffOfRun'],
	['/restores', 'restores'],
	['/restores/{stack}', 'restores'],
	['/settings', 'settings'],
	['/settings/{tab}', 'settings'],
];

export function placeOf(pathname: string): Place<PageName> | null {
	return match(patterns, pathname);
}

const AGAIN_MS = [300, 1500];

/** A connection that breaks just then is no reason to show nothing: it is tried again. */
export async function load(name: PageName): ReturnType<Loader> {
	const loader: Loader = loaders[name];
	for (const wait of AGAIN_MS) {
		try {
			await askForStylesAgain();
			return await loader();
		} catch {
			await new Promise((done) => setTimeout(done, wait));
		}
	}
	await askForStylesAgain();
	return loader();
}
