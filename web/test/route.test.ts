import { describe, expect, it } from 'vitest';
import { match, path, withQuery } from '../src/lib/route';

const patterns = [
	['/', 'home'],
	['/runs/{id}', 'run'],
	['/snapshots/{id}/restore', 'restore'],
	['/snapshots/{id}/{tab}/{path...}', 'tree'],
] as const;

describe('match', () => {
	it.each([
		['/', 'home', {}],
		['/runs/412', 'run', { id: '412' }],
		['/runs/412/', 'run', { id: '412' }],
		['/snapshots/ab/restore', 'restore', { id: 'ab' }],
		['/snapshots/ab/tree/volumes/a%20b/c', 'tree', { id: 'ab', tab: 'tree', path: 'volumes/a b/c' }],
	])('%s is %s', (address, name, params) => expect(match(patterns, address)).toEqual({ name, params }));

	it.each(['/runs', '/runs/1/2', '/nothing', '/runs/%zz'])('%s is no place', (address) => {
		expect(match(patterns, address)).toBeNull();
	});
});

describe('addresses', () => {
	it('encodes what is put in', () => {
		expect(path`/stacks/${'a/b c'}/${7}`).toBe('/stacks/a%2Fb%20c/7');
	});

	it('goes there and back', () => {
		const name = 'ü/% ?#';
		expect(match([['/stacks/{name}', 'stack']], path`/stacks/${name}`)).toEqual({ name: 'stack', params: { name } });
	});

	it('changes a query in place', () => {
		const query = new URLSearchParams('a=1&b=2');
		expect(withQuery(query, { b: null, c: 'x y', d: '', e: false, f: 0 })).toBe('?a=1&c=x+y&f=0');
		expect(withQuery(query, { a: undefined, b: undefined })).toBe('');
		expect(query.toString()).toBe('a=1&b=2');
	});
});
