import { describe, expect, it } from 'vitest';
import { chooseTwo, inOrder, sourceKind, sourceName } from '../../src/snapshot/source';

describe('choosing two points', () => {
	it('takes the last two, and a second click away', () => {
		expect(chooseTwo([], 'a')).toEqual(['a']);
		expect(chooseTwo(['a'], 'b')).toEqual(['a', 'b']);
		expect(chooseTwo(['a', 'b'], 'c')).toEqual(['b', 'c']);
		expect(chooseTwo(['a', 'b'], 'a')).toEqual(['b']);
	});

	it('puts the older one first', () => {
		expect(inOrder([{ id: 'new', time_ns: 2 }, { id: 'old', time_ns: 1 }])).toEqual(['old', 'new']);
		expect(inOrder([{ id: 'one', time_ns: 2 }])).toBeNull();
	});
});

describe('sources', () => {
	it('have names', () => {
		expect(sourceName({ kind: 'stack', name: 'shop' })).toBe('shop');
		expect(sourceName({ kind: 'path', paths: ['/srv', '/home'] })).toBe('/srv /home');
		expect(sourceKind({ kind: 'stdin', name: 'x' })).toBe('stream');
	});
});
