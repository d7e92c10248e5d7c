/*
 * Every view of a comparison has its own address: /compare/A/B/VIEW?what is chosen. B may be "live".
 */
import { path, withQuery } from '$lib/router.svelte';

export const VIEWS = ['summary', 'rows', 'files', 'schema'] as const;
export type View = (typeof VIEWS)[number];

export interface Points {
	a: string;
	b: string;
}

/** What is chosen of the rows. */
export interface RowChoice {
	service: string;
	database: string;
	table: string;
	change: '' | 'added' | 'removed' | 'changed';
	text: string;
	layout: 'changes' | 'columns';
	/** The row that is open, or -1. */
	row: number;
}

/** A snapshot in an address: twelve digits are enough to find it, and to read. */
function short(point: string): string {
	return /^[0-9a-f]{64}$/.test(point) ? point.slice(0, 12) : point;
}

export function diffPath(points: Points, view: View = 'summary', query: Record<string, string> = {}): string {
	const base = path`/compare/${short(points.a)}/${short(points.b)}`;
	return (view === 'summary' ? base : `${base}/${view}`) + withQuery(new URLSearchParams(), query);
}

export function viewOf(name: string | undefined): View {
	return VIEWS.find((view) => view === name) ?? 'summary';
}

export function readRowChoice(query: URLSearchParams): RowChoice {
	const change = query.get('change') ?? '';
	const row = query.get('row') ?? '';
	return {
		service: query.get('service') ?? '',
		database: query.get('database') ?? '',
		table: query.get('table') ?? '',
		change: change === 'added' || change === 'removed' || change === 'changed' ? change : '',
		text: query.get('text') ?? '',
		layout: query.get('layout') === 'columns' ? 'columns' : 'changes',
		row: /^\d{1,9}$/.test(row) ? Number(row) : -1,
	};
}

/** As a change of the query: what is as usual is left out. */
export function writeRowChoice(choice: Partial<RowChoice>): Record<string, string | null> {
	const out: Record<string, string | null> = {};
	for (const [name, value] of Object.entries(choice)) {
		const isUsual = value === '' || value === -1 || (name === 'layout' && value === 'changes');
		out[name] = isUsual ? null : String(value);
	}
	// Another choice of rows has other rows: the number of the open one means nothing there.
	if (!('row' in choice) && Object.keys(choice).some((name) => name !== 'layout')) out.row = null;
	return out;
}
