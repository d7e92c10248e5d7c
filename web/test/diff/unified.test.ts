import { describe, expect, it } from 'vitest';
import { diffTexts, parseUnified, split, textOf } from '../../src/diff/unified';

const sample = `@@ -1,4 +1,5 @@
 one
-two 2
+two 3
+more
 three
@@ -10 +11 @@
-ten
\\ No newline at end of file
+TEN
`;

describe('parseUnified', () => {
	it('numbers the lines of both sides', () => {
		const lines = parseUnified(sample);
		expect(lines.map((l) => [l.kind, l.before, l.after, textOf(l)])).toEqual([
			['hunk', null, null, '@@ -1,4 +1,5 @@'],
			['same', 1, 1, 'one'],
			['removed', 2, null, 'two 2'],
			['added', null, 2, 'two 3'],
			['added', null, 3, 'more'],
			['same', 3, 4, 'three'],
			['hunk', null, null, '@@ -10 +11 @@'],
			['removed', 10, null, 'ten'],
			['note', null, null, 'No newline at end of file'],
			['added', null, 11, 'TEN'],
		]);
	});

	it('marks the words that changed in a pair of lines', () => {
		const lines = parseUnified(sample);
		expect(lines[2]?.pieces).toEqual([
			{ text: 'two ', isOwn: false },
			{ text: '2', isOwn: true },
		]);
		expect(lines[4]?.pieces).toEqual([{ text: 'more', isOwn: false }]);
	});

	it('takes lines that begin with signs for what they are', () => {
		const lines = parseUnified('@@ -1 +1 @@\n--- a\n+++ b\n');
		expect(lines.map((l) => l.kind)).toEqual(['hunk', 'removed', 'added']);
		expect(textOf(lines[1]!)).toBe('-- a');
	});

	it('has nothing of an empty diff', () => {
		expect(parseUnified('')).toEqual([]);
	});
});

describe('split', () => {
	it('puts the sides of a change beside each other', () => {
		const rows = split(parseUnified(sample)).map((r) => [
			r.kind,
			r.left && textOf(r.left),
			r.right && textOf(r.right),
		]);
		expect(rows.slice(0, 5)).toEqual([
			['hunk', '@@ -1,4 +1,5 @@', '@@ -1,4 +1,5 @@'],
			['line', 'one', 'one'],
			['line', 'two 2', 'two 3'],
			['line', null, 'more'],
			['line', 'three', 'three'],
		]);
	});
});

describe('diffTexts', () => {
	const shown = (before: string, after: string) =>
		diffTexts(before, after).map(
			(l) => ({ same: ' ', removed: '-', added: '+', hunk: '@', note: '\\' })[l.kind] + textOf(l),
		);

	it('tells the lines that differ', () => {
		expect(shown('a\nb\nc\n', 'a\nB\nc\nd\n')).toEqual([' a', '-b', '+B', ' c', '+d']);
		expect(shown('', 'x\ny')).toEqual(['+x', '+y']);
		expect(shown('x\n', '')).toEqual(['-x']);
		expect(shown('x', 'x')).toEqual([' x']);
	});

	it('gives back both texts', () => {
		let seed = 3;
		const random = (n: number) => {
			seed = (seed * 1103515245 + 12345) & 0x7fffffff;
			return (seed >> 8) % n;
		};
		for (let i = 0; i < 200; i++) {
			const make = () => Array.from({ length: random(12) }, () => 'abcd'[random(4)] ?? '');
			const [a, b] = [make(), make()];
			const lines = diffTexts(a.join('\n'), b.join('\n'));
			expect(lines.filter((l) => l.kind !== 'added').map(textOf)).toEqual(a);
			expect(lines.filter((l) => l.kind !== 'removed').map(textOf)).toEqual(b);
		}
	});
});
