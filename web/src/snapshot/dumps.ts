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
