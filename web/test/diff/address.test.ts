import { beforeAll, describe, expect, it, vi } from 'vitest';

type Address = typeof import('../../src/diff/address');
let address: Address;

beforeAll(async () => {
	// The router reads the browser's address when it is loaded.
	vi.stubGlobal('location', { pathname: '/', search: '' });
	vi.stubGlobal('addEventListener', () => undefined);
	vi.stubGlobal('document', { addEventListener: () => undefined });
	vi.stubGlobal('$state', (v: unknown) => v);
	address = await import('../../src/diff/address');
});

describe('addresses of comparisons', () => {
	it('name the points by the beginnings of their ids', () => {
		const a = 'ab'.repeat(32);
		expect(address.diffPath({ a, b: 'live' })).toBe('/compare/abababababab/live');
		expect(address.diffPath({ a: '1234abcd', b: a }, 'rows', { table: 'public.a b' })).toBe(
			'/compare/1234abcd/abababababab/rows?table=public.a+b',
		);
	});

	it('say the same choice again when they are read', () => {
		const choice = {
			service: 'db',
			database: 'shop',
			table: 'public.ordérs&x=1',
			change: 'changed' as const,
			text: 'a+b %',
			layout: 'columns' as const,
			row: 999_999,
		};
		const written = Object.entries(address.writeRowChoice(choice)).filter(([, v]) => v !== null) as [string, string][];
		const query = new URLSearchParams(new URLSearchParams(written).toString());
		expect(address.readRowChoice(query)).toEqual(choice);
	});

	it('leave out what is as usual', () => {
		const usual = address.readRowChoice(new URLSearchParams());
		expect(Object.values(address.writeRowChoice(usual)).every((v) => v === null)).toBe(true);
	});

	it('take nonsense for nothing', () => {
		const read = address.readRowChoice(new URLSearchParams('change=x&row=-4&layout=y'));
		expect(read.change).toBe('');
		expect(read.row).toBe(-1);
		expect(read.layout).toBe('changes');
		expect(address.viewOf('nonsense')).toBe('summary');
	});

	it('close the open row when other rows are chosen', () => {
		expect(address.writeRowChoice({ text: 'x' })).toEqual({ text: 'x', row: null });
		expect(address.writeRowChoice({ layout: 'columns' })).toEqual({ layout: 'columns' });
		expect(address.writeRowChoice({ row: 3 })).toEqual({ row: '3' });
	});
});
