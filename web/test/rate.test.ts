import { describe, expect, it } from 'vitest';
import { part, Rate } from '../src/lib/rate';

const told = (seconds: number, bytes: number, bytes_total?: number) => ({ elapsed_ns: seconds * 1e9, bytes, bytes_total });

describe('Rate', () => {
	it('knows the mean of a step that began before it listened', () => {
		expect(new Rate().tell(told(10, 50e6, 100e6))).toEqual({ part: 0.5, bytesPerSecond: 5e6, leftMs: 10_000 });
	});

	it('follows a change within seconds, without jumping', () => {
		const rate = new Rate();
		for (let s = 0; s <= 10; s++) rate.tell(told(s, s * 10e6));
		const first = rate.tell(told(11, 102e6)).bytesPerSecond!;
		expect(first).toBeGreaterThan(7e6);
		expect(first).toBeLessThan(10e6);
		let last = first;
		for (let s = 12; s <= 30; s++) last = rate.tell(told(s, 102e6 + (s - 11) * 2e6)).bytesPerSecond!;
		expect(last).toBeGreaterThan(2e6);
		expect(last).toBeLessThan(2.1e6);
	});

	it('begins anew with the next step', () => {
		const rate = new Rate();
		rate.tell(told(10, 100e6));
		expect(rate.tell(told(1, 1e6)).bytesPerSecond).toBe(1e6);
	});

	it('promises nothing where nothing moves, or the whole is not known', () => {
		const rate = new Rate();
		expect(rate.tell(told(0, 0, 100)).leftMs).toBeUndefined();
		expect(rate.tell(told(1, 0, 100)).leftMs).toBeUndefined();
		expect(new Rate().tell(told(1, 50)).leftMs).toBeUndefined();
	});
});

describe('part', () => {
	it('is by bytes, else by files, else not known', () => {
		expect(part({ bytes: 1, bytes_total: 4, files: 1, files_total: 2 })).toBe(0.25);
		expect(part({ files: 1, files_total: 2 })).toBe(0.5);
		expect(part({ bytes: 9 })).toBeUndefined();
		expect(part({ bytes: 9, bytes_total: 3 })).toBe(1);
	});
});
