import { describe, expect, it } from 'vitest';
import { MAX_HEIGHT, Scroller } from '../../src/list/scroller';

describe('a short list', () => {
	it('moves as its bar does', () => {
		const s = new Scroller(20, 100, 400);
		expect(s.height).toBe(2000);
		expect(s.moved(300)).toBeNull();
		expect(s.window(2)).toEqual({ first: 13, end: 37, at: 260 });
	});

	it('draws no row that is not there', () => {
		const s = new Scroller(20, 3, 400);
		expect(s.window(5)).toEqual({ first: 0, end: 3, at: 0 });
		s.resize(0, 400);
		expect(s.window(5)).toEqual({ first: 0, end: 0, at: 0 });
	});

	it('reveals only what is out of sight', () => {
		const s = new Scroller(20, 100, 400);
		expect(s.reveal(5)).toBeNull();
		expect(s.reveal(20)).toBe(20);
		expect(s.reveal(99)).toBe(1600);
		expect(s.reveal(0)).toBe(0);
	});

	it('is not behind its end when rows go', () => {
		const s = new Scroller(20, 100, 400);
		s.moved(1600);
		s.resize(30, 400);
		expect(s.top).toBe(200);
	});
});

describe('a list that is taller than an element', () => {
	const rows = 1_000_000;
	const make = () => new Scroller(28, rows, 700);

	it('has a bar no taller than allowed, and shows its last row at its end', () => {
		const s = make();
		expect(s.height).toBe(MAX_HEIGHT);
		s.moved(MAX_HEIGHT - 700);
		const w = s.window(0);
		expect(w.end).toBe(rows);
		// The last row ends where the element ends.
		expect(w.at + (w.end - w.first) * 28).toBeCloseTo(MAX_HEIGHT, 3);
	});

	it('takes a jump in proportion, a step pixel by pixel', () => {
		const s = make();
		s.moved(4_000_000 - 350);
		expect(s.top).toBeCloseTo(s.farthest / 2, 0);
		const before = s.top;
		s.moved(4_000_000 - 350 + 100);
		expect(s.top).toBeCloseTo(before + 100, 6);
	});

	it('keeps drawn rows in the view wherever the bar is', () => {
		const s = make();
		for (const bar of [0, 123, 5000, 3_999_000, 7_999_299, MAX_HEIGHT - 700]) {
			const instead = s.moved(bar);
			const at = instead ?? bar;
			const w = s.window(0);
			expect(w.at).toBeLessThanOrEqual(at);
			expect(w.at).toBeGreaterThan(at - 28 - 1);
			expect(w.at + (w.end - w.first) * 28).toBeGreaterThanOrEqual(at + 700 - 1);
		}
	});

	it('can be walked from end to end in steps, whatever the drift', () => {
		const s = new Scroller(28, 400_000, 700);
		let bar = 0;
		let seen = 0;
		for (let i = 0; i < 40_000 && s.top < s.farthest; i++) {
			const begin = s.top;
			bar = Math.min(bar + 400, s.height - 700);
			bar = s.moved(bar) ?? bar;
			expect(s.top).toBeGreaterThan(begin);
			expect(s.top - begin).toBeLessThanOrEqual(400);
			if (i % 50 === 0) bar = s.settle() ?? bar;
			seen = s.window(0).end;
		}
		expect(seen).toBe(400_000);
		for (let i = 0; i < 40_000 && s.top > 0; i++) {
			const begin = s.top;
			bar = Math.max(bar - 400, 0);
			bar = s.moved(bar) ?? bar;
			expect(s.top).toBeLessThan(begin);
		}
		expect(s.top).toBe(0);
		expect(bar).toBe(0);
	});

	it('settles where proportion wants the bar, and shows the same rows then', () => {
		const s = make();
		s.moved(2_000_000);
		for (let i = 1; i <= 100; i++) s.moved(2_000_000 + i * 500);
		const top = s.top;
		const bar = s.settle();
		expect(bar).not.toBeNull();
		expect(s.top).toBe(top);
		expect(s.settle()).toBeNull();
		const w = s.window(0);
		expect(w.first).toBe(Math.floor(top / 28));
		expect(w.at).toBeGreaterThan((bar ?? 0) - 28);
	});

	it('reveals any row', () => {
		const s = make();
		for (const row of [999_999, 0, 500_000, 500_001, 123_456]) {
			const bar = s.reveal(row);
			const w = s.window(0);
			expect(w.first).toBeLessThanOrEqual(row);
			expect(w.end).toBeGreaterThan(row);
			if (bar !== null) {
				const begin = w.at + (row - w.first) * 28;
				expect(begin).toBeGreaterThanOrEqual(bar - 1);
				expect(begin + 28).toBeLessThanOrEqual(bar + 700 + 1);
			}
		}
	});
});
