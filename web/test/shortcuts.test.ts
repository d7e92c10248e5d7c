import { describe, expect, it } from 'vitest';
import { KeySequence } from '../src/lib/shortcuts';

const shortcuts = { 'g h': () => {}, 'g r': () => {}, '/': () => {}, h: () => {} };

describe('KeySequence', () => {
	it('takes single keys, and two one after the other', () => {
		const keys = new KeySequence();
		expect(keys.press('/', 0, shortcuts)).toBe('/');
		expect(keys.press('g', 10, shortcuts)).toBeNull();
		expect(keys.press('h', 200, shortcuts)).toBe('g h');
		expect(keys.press('h', 300, shortcuts)).toBe('h');
	});

	it('forgets the first key after a while, or after another', () => {
		const keys = new KeySequence();
		keys.press('g', 0, shortcuts);
		expect(keys.press('r', 5000, shortcuts)).toBeNull();
		keys.press('g', 6000, shortcuts);
		keys.press('x', 6100, shortcuts);
		expect(keys.press('r', 6200, shortcuts)).toBeNull();
	});
});
