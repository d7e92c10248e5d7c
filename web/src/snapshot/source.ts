import type { Schemas } from '$lib/types';

/** "shop", "/srv /home", "db.sql": what a snapshot is of. */
export function sourceName(source: Schemas['Source']): string {
	return source.name ?? source.paths?.join(' ') ?? source.kind;
}

/** Of stacks nothing; else the kind, in front of the name. */
export function sourceKind(source: Schemas['Source']): string {
	const words: Record<Schemas['Source']['kind'], string> = {
		stack: '',
		path: 'folders',
		stdin: 'stream',
		database: 'databases',
	};
	return words[source.kind];
}

/** One at a time: what is chosen for comparing, the older choice goes when a third one comes. */
export function chooseTwo(chosen: string[], id: string): string[] {
	return chosen.includes(id) ? chosen.filter((c) => c !== id) : [...chosen, id].slice(-2);
}

/** Two points for a comparison: the older one is what was before. */
export function inOrder(two: { id: string; time_ns: number }[]): [string, string] | null {
	if (two.length !== 2) return null;
	const [x, y] = [...two].sort((a, b) => a.time_ns - b.time_ns);
	return x && y ? [x.id, y.id] : null;
}
