import { describe, expect, it } from 'vitest';
import { RunLog } from '../src/lib/run_log';
import type { RunEvent } from '../src/lib/types';

const note = (text: string): RunEvent => ({ type: 'note', time_ns: 0, text });

/** A log that grows, read in pages as the daemon gives them. */
function source(events: RunEvent[], state = { isOver: false }) {
	const asked: number[] = [];
	const read = async (from: number, limit: number) => {
		asked.push(from);
		await Promise.resolve();
		const page = events.slice(from, from + limit);
		const next = from + page.length;
		return { events: page, next, is_end: state.isOver && next === events.length };
	};
	return { read, asked, state };
}

describe('RunLog', () => {
	it('reads all pages, once', async () => {
		const events = Array.from({ length: 2500 }, (_, i) => note(`line ${i}`));
		const { read, asked } = source(events, { isOver: true });
		const log = new RunLog(read);
		await log.catchUp();
		await log.catchUp();
		expect(asked).toEqual([0, 1000, 2000]);
		expect(log.lines.map((line) => line.text)).toEqual(events.map((event) => event.text));
		expect(log.isEnd).toBe(true);
	});

	it('neither misses nor repeats lines while several ask', async () => {
		const events = [note('a')];
		const { read } = source(events);
		const log = new RunLog(read);
		const first = log.catchUp();
		events.push(note('b'));
		const second = log.catchUp();
		await Promise.all([first, second]);
		events.push(note('c'));
		await log.catchUp();
		expect(log.lines.map((line) => line.text)).toEqual(['a', 'b', 'c']);
		expect(log.lines.map((line) => line.n)).toEqual([0, 1, 2]);
	});

	it('goes on where it was after a failure', async () => {
		const events = [note('a'), note('b')];
		const { read } = source(events);
		let isAway = false;
		const log = new RunLog((from, limit) => (isAway ? Promise.reject(new Error('away')) : read(from, limit)));
		await log.catchUp();
		isAway = true;
		events.push(note('c'));
		await expect(log.catchUp()).rejects.toThrow('away');
		isAway = false;
		await log.catchUp();
		expect(log.lines.map((line) => line.text)).toEqual(['a', 'b', 'c']);
	});

	it('keeps the last progress of a step out of the lines', async () => {
		const progress: RunEvent = { type: 'progress', time_ns: 1, bytes: 5 };
		const events: RunEvent[] = [note('a'), progress];
		const { read } = source(events);
		const log = new RunLog(read);
		await log.catchUp();
		expect(log.progress).toEqual(progress);
		expect(log.lines).toHaveLength(1);
		events.push({ type: 'phase', time_ns: 2, text: 'next' });
		await log.catchUp();
		expect(log.progress).toBeUndefined();
	});

	it('lets the beginning of a very long log go, and says so', async () => {
		const { read } = source(
			Array.from({ length: 7200 }, (_, i) => note(String(i))),
			{ isOver: true },
		);
		const log = new RunLog(read);
		await log.catchUp();
		expect(log.lines).toHaveLength(5000);
		expect(log.dropped).toBe(2200);
		expect(log.lines[0]?.text).toBe('2200');
	});
});
