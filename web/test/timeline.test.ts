import { describe, expect, it } from 'vitest';
import { timeline } from '../src/lib/timeline';

const s = (seconds: number) => seconds * 1e9;

describe('timeline', () => {
	const drawn = timeline(
		[
			{ text: 'read', begin_ns: s(100), end_ns: s(105) },
			{ text: 'drain', begin_ns: s(105) },
		],
		[{ service: 'app', begin_ns: s(104.5), end_ns: s(105) }],
		s(100),
		s(110),
	);

	it('draws steps to scale', () => {
		expect(drawn.lengthMs).toBe(10_000);
		expect(drawn.steps).toEqual([
			{ text: 'read', left: 0, width: 0.5, ms: 5000, isNow: false },
			{ text: 'drain', left: 0.5, width: 0.5, ms: 5000, isNow: true },
		]);
	});

	it('draws pauses where they were', () => {
		expect(drawn.bands).toHaveLength(1);
		expect(drawn.bands[0]).toMatchObject({ service: 'app', left: 0.45, ms: 500, isNow: false });
		expect(drawn.bands[0]!.width).toBeCloseTo(0.05);
	});

	it('marks round moments', () => {
		expect(drawn.ticks.map((tick) => tick.ms)).toEqual([0, 2000, 4000, 6000, 8000, 10_000]);
		for (const length of [0.03, 0.4, 7, 61, 4000, 90_000, 4e6]) {
			const { ticks } = timeline([], [], 0, s(length));
			expect(ticks.length).toBeGreaterThanOrEqual(1);
			expect(ticks.length).toBeLessThanOrEqual(9);
			expect(timeline([], [], 0, s(length), 3).ticks.length).toBeLessThanOrEqual(4);
			expect(ticks.at(-1)!.left).toBeLessThanOrEqual(1);
		}
	});

	it('stays within its borders when clocks were set', () => {
		const { steps, bands } = timeline(
			[{ text: 'late', begin_ns: s(500), end_ns: s(90) }],
			[{ service: 'app', begin_ns: s(99), end_ns: s(700) }],
			s(100),
			s(110),
		);
		for (const drawn of [...steps, ...bands]) {
			expect(drawn.left).toBeGreaterThanOrEqual(0);
			expect(drawn.left + drawn.width).toBeLessThanOrEqual(1);
			expect(drawn.width).toBeGreaterThanOrEqual(0);
		}
	});
});
