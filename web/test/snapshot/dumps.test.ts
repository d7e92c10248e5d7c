import { describe, expect, it } from 'vitest';
import { joinDumps } from '../../src/snapshot/dumps';

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
