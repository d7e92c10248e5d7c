import { describe, expect, it } from 'vitest';
import { type TreeItem, TreeModel } from '../../src/tree/model';

const disk: Record<string, string[]> = {
	'': ['a/', 'b/', 'c.txt'],
	a: ['a1/', 'a2'],
	'a/a1': ['deep'],
	b: [],
};

function make() {
	const reads: string[] = [];
	let changes = 0;
	const tree = new TreeModel<TreeItem>(
		(path) => {
			reads.push(path);
			const names = disk[path];
			if (!names) return Promise.reject(new Error(`no folder ${path}`));
			return Promise.resolve(
				names.map((raw) => {
					const name = raw.replace('/', '');
					return {
						path: path === '' ? name : `${path}/${name}`,
						name,
						isFolder: raw.endsWith('/'),
					};
				}),
			);
		},
		() => changes++,
		(e) => (e as Error).message,
	);
	const names = () => tree.rows.map((r) => `${'-'.repeat(r.level)}${r.item.name}`);
	return { tree, reads, names, changes: () => changes };
}

describe('TreeModel', () => {
	it('reads a folder when it is opened, and only then', async () => {
		const t = make();
		await t.tree.open('');
		expect(t.names()).toEqual(['-a', '-b', '-c.txt']);
		expect(t.reads).toEqual(['']);
		await t.tree.open('a');
		t.tree.close('a');
		await t.tree.open('a');
		expect(t.reads).toEqual(['', 'a']);
		expect(t.names()).toEqual(['-a', '--a1', '--a2', '-b', '-c.txt']);
	});

	it('says where each stands among its siblings', async () => {
		const t = make();
		await t.tree.reach('a/a1/deep');
		expect(t.tree.rows.map((r) => [r.item.path, r.level, r.position, r.siblings, r.parent])).toEqual([
			['a', 1, 1, 3, -1],
			['a/a1', 2, 1, 2, 0],
			['a/a1/deep', 3, 1, 1, 1],
			['a/a2', 2, 2, 2, 0],
			['b', 1, 2, 3, -1],
			['c.txt', 1, 3, 3, -1],
		]);
	});

	it('reaches a path, or tells that there is none', async () => {
		const t = make();
		expect(await t.tree.reach('a/a1/deep')).toBe(2);
		expect(await t.tree.reach('a/no/such')).toBe(-1);
	});

	it('keeps a folder closed that cannot be read, and says why', async () => {
		const t = make();
		await t.tree.open('');
		const bad = new TreeModel<TreeItem>(
			(path) =>
				path === ''
					? Promise.resolve([{ path: 'x', name: 'x', isFolder: true }])
					: Promise.reject(new Error('damaged')),
			() => undefined,
			(e) => (e as Error).message,
		);
		await bad.open('');
		await bad.open('x');
		expect(bad.rows[0]?.isOpen).toBe(false);
		expect(bad.rows[0]?.error).toBe('damaged');
	});

	it('moves as a tree view does', async () => {
		const t = make();
		await t.tree.open('');
		expect(t.tree.key(0, 'ArrowRight')).toBe(0);
		await Promise.resolve();
		await Promise.resolve();
		expect(t.names()[1]).toBe('--a1');
		expect(t.tree.key(0, 'ArrowRight')).toBe(1);
		expect(t.tree.key(2, 'ArrowLeft')).toBe(0);
		expect(t.tree.key(0, 'End')).toBe(4);
		expect(t.tree.key(4, 'ArrowDown')).toBe(4);
		expect(t.tree.key(4, 'Home')).toBe(0);
		expect(t.tree.key(0, 'ArrowLeft')).toBe(0);
		expect(t.names()).toEqual(['-a', '-b', '-c.txt']);
		expect(t.tree.key(0, 'x')).toBeNull();
	});

	it('finds what is typed, and goes round', async () => {
		const t = make();
		await t.tree.open('');
		expect(t.tree.typed(0, 'c')).toBe(2);
		expect(t.tree.typed(2, 'a')).toBe(0);
		expect(t.tree.typed(0, 'b')).toBe(1);
		expect(t.tree.typed(0, 'z')).toBeNull();
	});

	it('opens all siblings with a star', async () => {
		const t = make();
		await t.tree.open('');
		t.tree.key(0, '*');
		await new Promise((r) => setTimeout(r));
		expect(t.names()).toEqual(['-a', '--a1', '--a2', '-b', '-c.txt']);
		expect(t.reads).toEqual(['', 'a', 'b']);
	});
});
