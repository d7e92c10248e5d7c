import { describe, expect, it } from 'vitest';
import { blocks } from '../../src/diff/blocks';

describe('blocks', () => {
	it('are always five', () => {
		for (const [a, r, c] of [
			[0, 0, 0],
			[1, 0, 0],
			[1_000_000, 1, 1],
			[1, 1, 1],
			[3, 2, 0],
		] as const)
			expect(blocks(a, r, c)).toHaveLength(5);
	});

	it('are shared in proportion, and leave nothing out', () => {
		expect(blocks(3, 2, 0)).toEqual(['add', 'add', 'add', 'del', 'del']);
		expect(blocks(1_000_000, 1, 0)).toEqual(['add', 'add', 'add', 'add', 'del']);
		expect(blocks(0, 0, 7)).toEqual(['mod', 'mod', 'mod', 'mod', 'mod']);
		expect(blocks(0, 0, 0)).toEqual(['none', 'none', 'none', 'none', 'none']);
	});
});
