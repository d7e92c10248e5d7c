import { describe, expect, it } from 'vitest';
import { cronOf, whenOf, wordsOf } from '../src/lib/cron';

describe('cron', () => {
	it.each([
		['0 3 * * *', 'daily at 03:00'],
		['30 4 * * 0', 'Sundays at 04:30'],
		['30 4 * * 7', 'Sundays at 04:30'],
		['5 23 * * wed', 'Wednesdays at 23:05'],
		['0 */6 * * *', 'every 6 hours'],
		['15 */6 * * *', 'every 6 hours at :15'],
		['0 * * * *', 'every hour'],
		['@daily', 'daily at 00:00'],
		['@weekly', 'Sundays at 00:00'],
		['0 3 1 * *', '0 3 1 * *'],
		['0 3 * * 1-5', '0 3 * * 1-5'],
		['*/5 * * * *', '*/5 * * * *'],
		['0 */5 * * *', '0 */5 * * *'],
		['60 3 * * *', '60 3 * * *'],
		['0 24 * * *', '0 24 * * *'],
		['nonsense', 'nonsense'],
		['', ''],
	])('%s is %s', (cron, words) => expect(wordsOf(cron)).toBe(words));

	it.each(['0 3 * * *', '30 4 * * 0', '0 */6 * * *', '15 * * * *', '0 3 1 * *', 'a b c'])('%s comes back as it was', (cron) => {
		expect(cronOf(whenOf(cron))).toBe(cron);
	});

	it('keeps what was chosen when it becomes an expression', () => {
		const when = { ...whenOf('0 3 * * *'), often: 'weekly' as const, weekday: 3, time: '07:05' };
		expect(cronOf(when)).toBe('5 7 * * 3');
	});
});
