import { describe, expect, it } from 'vitest';
import { age, ago, byteChange, bytes, count, counted, duration, durationNs, percent, rate } from '../src/lib/format';

const HOUR = 3_600_000;
const DAY = 24 * HOUR;

describe('bytes', () => {
	it.each([
		[0, '0 B'],
		[999, '999 B'],
		[1000, '1.0 kB'],
		[22_400, '22 kB'],
		[999_499, '999 kB'],
		[999_500, '1.0 MB'],
		[1_340_000, '1.3 MB'],
		[9_960_000, '10 MB'],
		[184e9, '184 GB'],
		[2.5e15, '2.5 PB'],
		[9e18, '9000 PB'],
		[-20_000, '−20 kB'],
	])('%d is %s', (value, text) => expect(bytes(value)).toBe(text));

	it('tells changes with their sign', () => {
		expect(byteChange(300_000)).toBe('+300 kB');
		expect(byteChange(-5)).toBe('−5 B');
		expect(byteChange(0)).toBe('no change');
		expect(rate(5.5e6)).toBe('5.5 MB/s');
	});
});

describe('durations', () => {
	it.each([
		[0, '0 ms'],
		[0.4, '< 1 ms'],
		[108.4, '108 ms'],
		[999.6, '1.0 s'],
		[2900, '2.9 s'],
		[9960, '10 s'],
		[59_499, '59 s'],
		[59_600, '1 min'],
		[252_000, '4 min 12 s'],
		[HOUR - 100, '1 h'],
		[3 * HOUR + 20 * 60_000, '3 h 20 min'],
		[DAY - 1, '1 day'],
		[DAY + 2 * HOUR, '1 day 2 h'],
		[5 * DAY, '5 days'],
		[-2900, '−2.9 s'],
	])('%d ms is %s', (ms, text) => expect(duration(ms)).toBe(text));

	it('takes nanoseconds', () => expect(durationNs(48e9)).toBe('48 s'));
});

describe('ages', () => {
	it.each([
		[0, 'now'],
		[4_999, 'now'],
		[12_000, '12 s'],
		[240_000, '4 min'],
		[47 * HOUR, '47 h'],
		[49 * HOUR, '2 days'],
		[61 * DAY, '2 months'],
		[800 * DAY, '2 years'],
		[-HOUR, 'now'],
	])('%d ms is %s', (gone, text) => expect(age(1e12 - gone, 1e12)).toBe(text));

	it('says which way', () => {
		expect(ago(1e12 - HOUR, 1e12)).toBe('60 min ago'.replace('60 min', '1 h'));
		expect(ago(1e12 + 3 * HOUR, 1e12)).toBe('in 3 h');
		expect(ago(1e12 + 1000, 1e12)).toBe('now');
	});
});

describe('counts', () => {
	it('groups thousands and knows one from many', () => {
		expect(count(1_234_567)).toBe('1\u202f234\u202f567');
		expect(counted(1, 'file')).toBe('1 file');
		expect(counted(0, 'file')).toBe('0 files');
		expect(counted(2, 'index', 'indexes')).toBe('2 indexes');
	});

	it('is a hundred percent only when nothing is missing', () => {
		expect(percent(999_999, 1_000_000)).toBe('99 %');
		expect(percent(1, 1)).toBe('100 %');
		expect(percent(1, 1000)).toBe('< 1 %');
		expect(percent(0, 5)).toBe('0 %');
		expect(percent(5, 0)).toBe('0 %');
	});
});
