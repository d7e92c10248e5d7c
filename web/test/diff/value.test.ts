import { describe, expect, it } from 'vitest';
import { isNumberType } from '../../src/diff/value';

describe('the type of a column', () => {
	it('is one of numbers, or not', () => {
		for (const type of ['integer', 'bigint', 'int(11) unsigned', 'smallserial', 'int4', 'numeric(10,2)', 'DOUBLE PRECISION', 'REAL', 'money'])
			expect(isNumberType(type), type).toBe(true);
		for (const type of ['', 'text', 'interval', 'int4range', 'point', 'timestamp', 'boolean', 'moneybag'])
			expect(isNumberType(type), type).toBe(false);
	});
});
