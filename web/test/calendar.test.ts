import { describe, expect, it } from 'vitest';
import { calendarText, dayIn, squares } from '../src/lib/calendar';

const none = { complete: 0, partial: 0, quarantined: 0, failed: 0 };

describe('squares', () => {
	const all = squares(
		[
			{ ...none, day: '2026-11-22', complete: 3 },
			{ ...none, day: '2026-11-21', complete: 3, failed: 1 },
			{ ...none, day: '2026-11-20', complete: 1, quarantined: 1 },
			{ ...none, day: '2026-11-19', complete: 4 },
			{ ...none, day: '1999-01-01', failed: 9 },
		],
		'2026-11-22',
		'2026-11-19',
	);
	const of = (day: string) => all.find((square) => square.day === day)!;

	it('is ninety days that end today', () => {
		expect(all).toHaveLength(90);
		expect(all[0]!.day).toBe('2026-08-25');
		expect(all.at(-1)!.day).toBe('2026-11-22');
	});

	it('is green only where a point was proved, and shows the worst of a day', () => {
		expect(of('2026-11-22').tone).toBe('complete');
		expect(of('2026-11-21').tone).toBe('failed');
		expect(of('2026-11-20').tone).toBe('attention');
		expect(of('2026-11-19').tone).toBe('proved');
		expect(of('2026-11-18').tone).toBe('none');
		expect(all.filter((square) => square.tone === 'proved')).toHaveLength(1);
	});

	it('puts each week into a column, Monday first', () => {
		expect(of('2026-11-22')).toMatchObject({ row: 6 });
		expect(of('2026-11-16')).toMatchObject({ row: 0, column: of('2026-11-22').column });
		expect(of('2026-11-15').column).toBe(of('2026-11-16').column - 1);
		expect(new Set(all.map((square) => `${square.column} ${square.row}`)).size).toBe(90);
	});

	it('says it in words', () => {
		expect(of('2026-11-21').text).toBe('Sat 21 Nov: 3 complete, 1 failed');
		expect(of('2026-11-19').text).toBe('Thu 19 Nov: 4 complete, proved by a drill');
		expect(calendarText(all)).toBe(
			'Backups of the last 90 days: 2 days complete, 1 with a partial or quarantined backup, 1 with a failed backup, 86 without a backup',
		);
	});
});

describe('dayIn', () => {
	it('is the day where the host is', () => {
		const at = Date.UTC(2026, 10, 21, 23, 30);
		expect(dayIn(at, 'UTC')).toBe('2026-11-21');
		expect(dayIn(at, 'Europe/Berlin')).toBe('2026-11-22');
		expect(dayIn(at, 'America/New_York')).toBe('2026-11-21');
	});
});
