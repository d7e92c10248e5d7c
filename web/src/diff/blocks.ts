/** How five blocks are shared; what is there at all has one at the least. */
export type Block = 'add' | 'del' | 'mod' | 'none';

const BLOCKS = 5;

export function blocks(added: number, removed: number, changed: number): Block[] {
	const total = added + removed + changed;
	if (total === 0) return Array<Block>(BLOCKS).fill('none');
	const parts: [Block, number][] = [
		['add', added],
		['del', removed],
		['mod', changed],
	];
	const there = parts.filter(([, n]) => n > 0);
	const shares = there.map(([kind, n]) => ({ kind, blocks: 1, rest: (n / total) * BLOCKS - 1 }));
	for (let left = BLOCKS - there.length; left > 0; left--) {
		const most = shares.reduce((a, b) => (b.rest > a.rest ? b : a));
		most.blocks++;
		most.rest--;
	}
	return shares.flatMap((s) => Array<Block>(s.blocks).fill(s.kind));
}
