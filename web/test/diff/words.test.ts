import { describe, expect, it } from 'vitest';
import { nearDifference, type Piece, wordDiff, words } from '../../src/diff/words';

const text = (pieces: Piece[]) => pieces.map((p) => p.text).join('');
const marked = (pieces: Piece[]) => pieces.map((p) => (p.isOwn ? `[${p.text}]` : p.text)).join('');

describe('words', () => {
	it('loses nothing', () => {
		const all = 'Grüße, 日本 42_x\t\n  (a+b)=c; 🙂 e\u0301';
		expect(words(all).join('')).toBe(all);
	});
});

describe('wordDiff', () => {
	it('marks the words that differ', () => {
		const d = wordDiff('the quick brown fox', 'the slow brown fox jumps');
		expect(marked(d.before)).toBe('the [quick] brown fox');
		expect(marked(d.after)).toBe('the [slow] brown fox[ jumps]');
	});

	it('marks nothing of equal texts', () => {
		expect(marked(wordDiff('a b', 'a b').after)).toBe('a b');
		expect(wordDiff('', '').before).toEqual([]);
	});

	it('marks all when one side is empty', () => {
		expect(marked(wordDiff('', 'new').after)).toBe('[new]');
		expect(wordDiff('', 'new').before).toEqual([]);
		expect(marked(wordDiff('old', '').before)).toBe('[old]');
	});

	it('marks the middle of one long word', () => {
		const d = wordDiff('aaaaXbbbb', 'aaaaYYbbbb');
		expect(marked(d.before)).toBe('aaaa[X]bbbb');
		expect(marked(d.after)).toBe('aaaa[YY]bbbb');
	});

	it('takes two words that begin alike for two words', () => {
		expect(marked(wordDiff('pending', 'paid').before)).toBe('[pending]');
	});

	it('gives back both texts, whatever they are', () => {
		let seed = 7;
		const random = (n: number) => {
			seed = (seed * 1103515245 + 12345) & 0x7fffffff;
			return seed % n;
		};
		const alphabet = ['a', 'b', ' ', 'cc', ',', 'd1'];
		for (let i = 0; i < 400; i++) {
			const make = () =>
				Array.from({ length: random(30) }, () => alphabet[random(alphabet.length)]).join('');
			const [before, after] = [make(), make()];
			const d = wordDiff(before, after);
			expect(text(d.before)).toBe(before);
			expect(text(d.after)).toBe(after);
			const common = (pieces: Piece[]) =>
				text(pieces.filter((p) => !p.isOwn));
			expect(common(d.before)).toBe(common(d.after));
		}
	});

	it('ends soon on texts that are long and different', () => {
		const begin = performance.now();
		const a = Array.from({ length: 1900 }, (_, i) => `a${i}`).join(' ');
		const b = Array.from({ length: 1900 }, (_, i) => `b${i}`).join(' ');
		const d = wordDiff(a, b);
		expect(text(d.before)).toBe(a);
		expect(text(d.after)).toBe(b);
		const huge = wordDiff('x'.repeat(1e6), `${'x'.repeat(1e6)}y`);
		expect(huge.after[1]).toEqual({ text: 'y', isOwn: true });
		expect(performance.now() - begin).toBeLessThan(500);
	});
});

describe('nearDifference', () => {
	it('leaves short texts as they are', () => {
		expect(nearDifference('abc', 'abd')).toEqual(['abc', 'abd']);
	});

	it('goes to where long ones differ', () => {
		const head = 'x'.repeat(500);
		expect(nearDifference(`${head}one`, `${head}two`)).toEqual([`…${'x'.repeat(16)}one`, `…${'x'.repeat(16)}two`]);
		expect(nearDifference(`ab${head}`, `cd${head}`)[0]).toBe(`ab${head}`);
	});
});
