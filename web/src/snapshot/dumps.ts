import type { Schemas } from '$lib/types';

type Dump = Schemas['Dump'];

/** Pages of tables, of which the next one may go on with the dump of the last: each dump once. */
export function joinDumps(parts: Dump[]): Dump[] {
	const out: Dump[] = [];
	for (const part of parts) {
		const at = out.findIndex((d) => d.service === part.service && d.stream === part.stream);
		const before = out[at];
		if (before) out[at] = { ...before, tables: [...before.tables, ...part.tables] };
		else out.push(part);
	}
	return out;
}

export interface ServiceDumps {
	service: string;
	/** With tables; and without: roles, grants, databases in which there is nothing. */
	full: Dump[];
	bare: Dump[];
}

export function byService(dumps: Dump[]): ServiceDumps[] {
	const found = new Map<string, ServiceDumps>();
	for (const dump of dumps) {
		const of = found.get(dump.service) ?? { service: dump.service, full: [], bare: [] };
		found.set(dump.service, of);
		(dump.tables.length > 0 ? of.full : of.bare).push(dump);
	}
	return [...found.values()];
}

/** Of a dump that is of no single database: what it is, or the name of its file where there are several. */
export function dumpName(dump: Dump, among: readonly Dump[]): string {
	return dump.database ?? (among.length > 1 ? dump.stream : 'All databases');
}

/** What stands in a database's tables, and what tables are called. */
export function nounsOf(engine: string | null | undefined): { title: string; table: string; row: string; rows: string } {
	switch (engine) {
		case 'redis':
		case 'valkey':
			return { title: 'Database', table: 'database', row: 'key', rows: 'Keys' };
		case 'mongodb':
			return { title: 'Collection', table: 'collection', row: 'document', rows: 'Documents' };
		default:
			return { title: 'Table', table: 'table', row: 'row', rows: 'Rows' };
	}
}
