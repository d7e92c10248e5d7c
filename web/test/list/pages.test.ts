import { describe, expect, it } from 'vitest';
import { Pages, type PagesOptions, wholePage } from '../../src/list/pages';

interface Ask {
	offset: number;
	limit: number;
	signal: AbortSignal;
	answer: (rows: number[]) => void;
	fail: (e: unknown) => void;
}

function scripted(rows: number, options: PagesOptions = {}) {
	const asks: Ask[] = [];
	let changes = 0;
	let now = 0;
	const pages = new Pages<number>(
		(offset, limit, signal) =>
			new Promise((answer, fail) => {
				asks.push({ offset, limit, signal, answer, fail });
			}),
		rows,
		() => changes++,
		{ pageSize: 10, now: () => now, ...options },
	);
	const give = async (n: number) => {
		const ask = asks.find((a) => a.offset === n * 10 && !a.signal.aborted);
		if (!ask) throw new Error(`page ${n} was not asked for`);
		asks.splice(asks.indexOf(ask), 1);
		ask.answer(Array.from({ length: ask.limit }, (_, i) => ask.offset + i));
		await Promise.resolve();
		await Promise.resolve();
	};
	return {
		pages,
		asks,
		give,
		asked: () => asks.filter((a) => !a.signal.aborted).map((a) => a.offset / 10),
		changes: () => changes,
		wait: (ms: number) => (now += ms),
	};
}

describe('pages', () => {
	it('asks for what is seen first, then for what comes next', async () => {
		const t = scripted(1000, { parallel: 2 });
		t.pages.show(0, 15);
		expect(t.asked()).toEqual([0, 1]);
		await t.give(0);
		expect(t.asked()).toEqual([1, 2]);
		expect(t.pages.get(7)).toBe(7);
		expect(t.pages.get(17)).toBeUndefined();
		expect(t.changes()).toBe(1);
	});

	it('asks for a page once', () => {
		const t = scripted(1000);
		t.pages.show(0, 10);
		t.pages.show(0, 10);
		t.pages.show(1, 11);
		expect(new Set(t.asked()).size).toBe(t.asked().length);
	});

	it('looks ahead where the scrolling goes', async () => {
		const t = scripted(1000, { ahead: 1, parallel: 9 });
		t.pages.show(500, 510);
		expect(t.asked()).toEqual([50, 51, 49]);
		for (const n of [50, 51, 49]) await t.give(n);
		t.pages.show(480, 490);
		expect(t.asked()).toEqual([48, 47]);
	});

	it('gives up what is out of sight', () => {
		const t = scripted(100_000);
		t.pages.show(0, 10);
		const first = t.asks[0];
		t.pages.show(50_000, 50_010);
		expect(first?.signal.aborted).toBe(true);
		expect(t.asked()).toContain(5000);
	});

	it('takes no late answer for a page that was given up', async () => {
		const t = scripted(100_000);
		t.pages.show(0, 10);
		const first = t.asks[0];
		t.pages.show(50_000, 50_010);
		first?.answer([1, 2, 3]);
		await Promise.resolve();
		await Promise.resolve();
		expect(t.pages.get(0)).toBeUndefined();
		expect(t.changes()).toBe(0);
	});

	it('holds a bounded number of pages', async () => {
		const t = scripted(1_000_000, { keep: 8, ahead: 1, parallel: 100 });
		for (let n = 0; n < 200; n++) {
			t.pages.show(n * 10, n * 10 + 10);
			for (const page of t.asked()) await t.give(page);
			expect(t.pages.held).toBeLessThanOrEqual(8 + 3);
			expect(t.pages.get(n * 10)).toBe(n * 10);
		}
	});

	it('asks of the last page for its rows and no more', async () => {
		const t = scripted(25);
		t.pages.show(20, 25);
		expect(t.asks[0]?.limit).toBe(5);
		await t.give(2);
		expect(t.pages.get(24)).toBe(24);
		expect(t.pages.get(25)).toBeUndefined();
	});

	it('keeps an error to its page, and tries again later', async () => {
		const t = scripted(10);
		t.pages.show(0, 10);
		t.asks[0]?.fail(new Error('gone'));
		await Promise.resolve();
		await Promise.resolve();
		expect(t.pages.errorAt(3)).toEqual(new Error('gone'));
		t.asks.length = 0;
		t.pages.show(0, 10);
		expect(t.asked()).toEqual([]);
		t.wait(2001);
		t.pages.show(0, 10);
		expect(t.asked()).toEqual([0]);
	});

	it('aborts all when it is closed', () => {
		const t = scripted(100);
		t.pages.show(0, 10);
		t.pages.close();
		expect(t.asked()).toEqual([]);
		t.pages.show(0, 10);
		expect(t.asked()).toEqual([]);
	});
});

describe('a page whose rows are large', () => {
	const { signal } = new AbortController();

	it('is asked for until it is whole', async () => {
		const asks: [number, number][] = [];
		const load = (offset: number, limit: number) => {
			asks.push([offset, limit]);
			return Promise.resolve({ rows: Array.from({ length: Math.min(4, limit) }, (_, i) => offset + i) });
		};
		expect(await wholePage(load, 20, 30, signal)).toEqual([20, 21, 22, 23, 24, 25, 26, 27, 28, 29]);
		expect(asks).toEqual([
			[20, 10],
			[24, 6],
			[28, 2],
		]);
	});

	it('ends when there is no more', async () => {
		expect(await wholePage((offset) => Promise.resolve({ rows: offset < 3 ? [offset] : [] }), 0, 10, signal)).toEqual([0, 1, 2]);
	});
});
