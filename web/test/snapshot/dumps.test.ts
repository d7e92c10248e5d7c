import { describe, expect, it } from 'vitest';
import { byService, dumpName, joinDumps } from '../../src/snapshot/dumps';

const table = (name: string) => ({ name, rows: 1, bytes: 1, root: '0'.repeat(64) });
const dump = (service: string, ...names: string[]) => ({
	service,
	stream: 'x.sql',
	database: 'x',
	tables: names.map(table),
	rows: 9,
	has_unknown: false,
	root: '1'.repeat(64),
});

describe('joinDumps', () => {
	it('goes on where a page ended, and changes no page', () => {
		const first = dump('db', 'a');
		const joined = joinDumps([first, dump('db', 'b'), dump('cache', 'db0')]);
		expect(joined.map((d) => [d.service, d.tables.map((t) => t.name)])).toEqual([
			['db', ['a', 'b']],
			['cache', ['db0']],
		]);
		expect(first.tables).toHaveLength(1);
	});
});

describe('what a service was dumped as', () => {
	const dump = (service: string, stream: string, database: string | null, tables: number) =>
		({ service, stream, database, rows: 0, root: '', has_unknown: false, tables: Array.from({ length: tables }, () => ({ name: 't', rows: 0, bytes: 0, root: '' })) });

	it('has dumps with tables apart from those without, in their order', () => {
		const found = byService([dump('db', 'globals.sql', null, 0), dump('db', 'shop.sql', 'shop', 2), dump('cache', 'dump.rdb', null, 1), dump('db', 'postgres.sql', 'postgres', 0)]);
		expect(found.map((one) => [one.service, one.full.map((d) => d.stream), one.bare.map((d) => d.stream)])).toEqual([
			['db', ['shop.sql'], ['globals.sql', 'postgres.sql']],
			['cache', ['dump.rdb'], []],
		]);
	});

	it('is named after its database, or its file among several', () => {
		const all = dump('mysql', 'databases.sql', null, 3);
		expect(dumpName(dump('db', 'shop.sql', 'shop', 2), [])).toBe('shop');
		expect(dumpName(all, [all])).toBe('All databases');
		expect(dumpName(all, [all, dump('mysql', 'more.sql', null, 1)])).toBe('databases.sql');
	});
});
