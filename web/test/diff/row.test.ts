import { describe, expect, it } from 'vitest';
import { cell, changesOf, type DiffRow, keyText, othersOf, patchChanges, place } from '../../src/diff/row';
import { hexDump, line, plain, show, type Value, whole } from '../../src/diff/value';

describe('values', () => {
	it('are told apart: NULL, empty, bytes, documents, text', () => {
		expect(show(null)).toEqual({ kind: 'null', text: 'NULL' });
		expect(show('')).toEqual({ kind: 'empty', text: 'empty' });
		expect(show('NULL')).toEqual({ kind: 'text', text: 'NULL' });
		expect(show({ hex: '00ff' })).toEqual({ kind: 'binary', text: '00ff' });
		expect(show('\\x00ff')).toEqual({ kind: 'binary', text: '00ff' });
		expect(show('\\x0')).toEqual({ kind: 'text', text: '\\x0' });
		expect(show({ hex: '00', more: 1 }).kind).toBe('json');
		expect(show([1])).toEqual({ kind: 'json', text: '[1]' });
	});

	it('are one line in a cell', () => {
		expect(line(show('a\nb\tc'))).toBe('a⏎b⇥c');
		expect(line(show('x'.repeat(1000))).length).toBe(301);
		expect(line(show({ hex: 'ab'.repeat(20) }))).toBe(`20 bytes ${'ab'.repeat(12)}…`);
		expect(line(show({ hex: 'ab' }))).toBe('1 byte ab');
	});

	it('are whole in the dialog', () => {
		expect(whole('a\nb')).toBe('a\nb');
		expect(whole({ a: [1] })).toBe('{\n  "a": [\n    1\n  ]\n}');
		expect(hexDump('48690a')).toBe('00000000  48 69 0a                                         Hi.');
		expect(plain({ hex: 'ff' })).toBe('ff');
		expect(plain(null)).toBe('');
	});
});

describe('rows', () => {
	const changed: DiffRow = {
		change: 'changed',
		key: { id: '1', part: 'b' },
		columns: ['name'],
		before: { id: '1', part: 'b', name: 'x', other: null },
		after: { id: '1', part: 'b', name: 'y', other: null },
	};

	it('tell what differs', () => {
		expect(changesOf(changed)).toEqual([{ name: 'name', before: 'x', after: 'y' }]);
		expect(othersOf(changed)).toEqual([
			['name', 'y'],
			['other', null],
		]);
		expect(keyText(changed, (v) => line(show(v)))).toBe('1 / b');
	});

	it('tell NULL from what is not there', () => {
		expect(cell(changed, 'before', 'other')).toBeNull();
		expect(cell(changed, 'after', 'id')).toBe('1');
		expect(cell(changed, 'after', 'nothing')).toBeUndefined();
		expect(cell({ change: 'added', key: { id: '1' }, after: { id: '1' } }, 'before', 'id')).toBeUndefined();
	});

	it('tell what differs inside of a document', () => {
		const row: DiffRow = {
			change: 'changed',
			key: { _id: 'k' },
			columns: ['document'],
			before: { document: { a: 1, list: ['x', 'y'], 'b/c': true } },
			after: { document: { a: 2, list: ['y'], 'b/c': true, n: null } },
			patch: [
				{ op: 'replace', path: '/a', value: 2 },
				{ op: 'remove', path: '/list/0' },
				{ op: 'add', path: '/n', value: null },
			],
		};
		expect(changesOf(row)).toEqual([
			{ name: 'a', before: 1, after: 2 },
			{ name: 'list[0]', before: 'x', after: undefined },
			{ name: 'n', before: undefined, after: null },
		]);
	});
});

describe('patches', () => {
	it('say places as people do', () => {
		expect(place('')).toBe('(whole)');
		expect(place('/a/b~1c/0/~0d')).toBe('a.b/c[0].~d');
	});

	it('find what was there after the steps before', () => {
		const before: Value = ['a', 'b', 'c'];
		expect(
			patchChanges(before, [
				{ op: 'remove', path: '/0' },
				{ op: 'remove', path: '/0' },
				{ op: 'add', path: '/-', value: 'd' },
			]).map((c) => [c.before, c.after]),
		).toEqual([
			['a', undefined],
			['b', undefined],
			[undefined, 'd'],
		]);
		expect(before).toEqual(['a', 'b', 'c']);
	});

	it('do no harm with hostile names', () => {
		const changes = patchChanges({ a: 1 }, [
			{ op: 'add', path: '/__proto__', value: { polluted: true } },
			{ op: 'replace', path: '/no/such/place', value: 1 },
		]);
		expect(changes).toHaveLength(2);
		expect(({} as Record<string, unknown>).polluted).toBeUndefined();
	});
});
