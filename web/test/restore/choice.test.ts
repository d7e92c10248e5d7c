import { describe, expect, it } from 'vitest';
import { beside, type Choice, confirmation, lines, missing, needsFolder, readChoice, toRequest, toTables, toggled, writeChoice } from '../../src/restore/choice';
import { prefixRequest } from '../../src/restore/prefix';

const all: Choice = { scope: 'all', services: [], members: [], paths: [], tables: [], service: '', database: '', prefix: '', into: '', isInPlace: false, as: '', to: '', deleteExtra: false };
const shop = { kind: 'stack' as const, name: 'shop' };

describe('a choice of what to restore', () => {
	it('is the same when its address is read', () => {
		for (const choice of [
			all,
			{ ...all, scope: 'services' as const, services: ['db', 'app'] },
			{ ...all, scope: 'members' as const, members: ['volume shop, too'] },
			{ ...all, as: 'shop2', to: '/srv/x y' },
			{ ...all, scope: 'tables' as const, service: 'db', database: 'shop', tables: ['public.orders', 'odd, "one"'], into: 'before' },
			{ ...all, scope: 'tables' as const, service: 'db', tables: ['a.b'], isInPlace: true },
			{ ...all, scope: 'keys' as const, service: 'cache', tables: ['db3'], prefix: 'a+b &\\x00=', into: '5' },
			{ ...all, scope: 'keys' as const, service: 'cache', tables: ['db0'], prefix: 'a', isInPlace: true },
			{ ...all, scope: 'paths' as const, paths: ['a/b, c', 'd'], to: '/tmp/back', deleteExtra: true },
		])
			expect(readChoice(new URLSearchParams(writeChoice(choice)), true)).toEqual(choice);
	});

	it('of folders knows no services', () => {
		expect(readChoice(new URLSearchParams('scope=services'), false).scope).toBe('all');
	});

	it('tells what is missing', () => {
		expect(missing(all, true)).toBe('');
		expect(missing(all, false)).not.toBe('');
		expect(missing({ ...all, to: 'relative' }, false)).not.toBe('');
		expect(missing({ ...all, scope: 'services' }, true)).toBe('Choose a service');
		expect(missing({ ...all, as: 'Shop' , to: '/x' }, true)).not.toBe('');
		expect(missing({ ...all, as: 'shop2', to: '/x' }, true)).toBe('');
	});

	it('asks the daemon for what was chosen, and nothing else', () => {
		expect(toRequest(all, true)).toEqual({});
		expect(toRequest({ ...all, services: ['left over'] }, true)).toEqual({});
		expect(toRequest({ ...all, scope: 'services', services: ['db'] }, true)).toEqual({ services: ['db'] });
		expect(toRequest({ ...all, to: '/x', deleteExtra: true }, false)).toEqual({ to: '/x', delete_extra: true });
		expect(toRequest({ ...all, deleteExtra: true }, true)).toEqual({});
		// A part goes into the stack that is there: what was typed for another name is not meant.
		expect(toRequest({ ...all, scope: 'members', members: ['project'], as: 'shop2', to: '/x' }, true)).toEqual({ members: ['project'] });
	});

	it('of tables goes beside under a name, or in place', () => {
		const tables = { ...all, scope: 'tables' as const, service: 'db', database: 'shop' };
		expect(missing(tables, true)).toBe('Choose a table');
		expect(missing({ ...tables, tables: ['a'] }, true)).not.toBe('');
		expect(missing({ ...tables, tables: ['a'], into: 'x' }, true)).toBe('');
		expect(missing({ ...tables, tables: ['a'], isInPlace: true }, true)).toBe('');
		expect(toTables({ ...tables, tables: ['a'], into: 'x' })).toEqual({ tables: ['a'], service: 'db', database: 'shop', into: 'x' });
		expect(toTables({ ...tables, tables: ['a'], into: 'x', isInPlace: true })).toEqual({ tables: ['a'], service: 'db', database: 'shop' });
		expect(needsFolder({ ...tables, as: 'left over' }, true)).toBe(false);
		expect(readChoice(new URLSearchParams('service=db&table=a'), true).scope).toBe('tables');
		expect(readChoice(new URLSearchParams('service=db&table=a'), false).scope).toBe('all');
		expect(beside(Date.UTC(2026, 10, 22, 5, 4, 59))).toBe('from_202611220504');
	});

	it('of keys says how they begin, and goes into an empty database, or in place', () => {
		const keys = { ...all, scope: 'keys' as const, service: 'cache', tables: ['db0'] };
		expect(missing(keys, true)).toBe('Say how the keys begin');
		expect(missing({ ...keys, prefix: 'a:' }, true)).toBe('Say the number of an empty database');
		expect(missing({ ...keys, prefix: 'a:', into: 'five' }, true)).not.toBe('');
		expect(missing({ ...keys, prefix: 'a:', into: '5' }, true)).toBe('');
		expect(missing({ ...keys, prefix: 'a:', isInPlace: true }, true)).toBe('');
		expect(toTables({ ...keys, prefix: 'a:', into: '5' })).toEqual({ tables: ['db0'], service: 'cache', key_prefix: 'a:', into: '5' });
		expect(readChoice(new URLSearchParams('service=c&table=db0&prefix=a'), true).scope).toBe('keys');
		expect(needsFolder({ ...keys, as: 'left over' }, true)).toBe(false);
		expect(confirmation({ ...keys, as: 'shop2' }, shop)).toBe('shop');
	});

	it('takes bytes as redis-cli shows them', () => {
		expect(prefixRequest('caf\u00e9:')).toEqual({ key_prefix: 'caf\u00e9:' });
		expect(prefixRequest('a\\x00\\xFF\u00e9')).toEqual({ key_prefix_hex: '6100ffc3a9' });
		expect(prefixRequest('\\n\\t\\\\x41')).toEqual({ key_prefix_hex: '0a095c783431' });
		expect(prefixRequest('\\q\\')).toEqual({ key_prefix_hex: '5c715c' });
	});

	it('is confirmed by the name of what is replaced', () => {
		expect(confirmation(all, shop)).toBe('shop');
		expect(confirmation({ ...all, as: 'shop2' }, shop)).toBe('shop2');
		expect(confirmation({ ...all, scope: 'services', as: 'shop2' }, shop)).toBe('shop');
		expect(confirmation({ ...all, scope: 'paths', to: '/x' }, shop)).toBe('/x');
		expect(confirmation({ ...all, to: '/x' }, { kind: 'path', paths: ['/srv'] })).toBe('/x');
	});

	it('reads lines, and toggles', () => {
		expect(lines(' a \n\n b')).toEqual(['a', 'b']);
		expect(toggled(['a'], 'a')).toEqual([]);
		expect(toggled(['a'], 'b')).toEqual(['a', 'b']);
	});
});
