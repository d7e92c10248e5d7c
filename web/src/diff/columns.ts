/** The columns of a table of which rows differ: the key first, then as they are now, then what is gone. */
import type { DiffTable } from './types';
import { isNumberType } from './value';

export interface Column {
	name: string;
	type: string;
	isKey: boolean;
	isNumber: boolean;
}

export function columnsOf(t: DiffTable): Column[] {
	const types = new Map([...(t.columns_before ?? []), ...(t.columns_after ?? [])].map((c) => [c.name, c.type]));
	const names = new Set([...(t.key ?? []), ...(t.columns_after ?? []).map((c) => c.name), ...types.keys()]);
	return [...names].map((name) => {
		const type = types.get(name) ?? '';
		return { name, type, isKey: t.key?.includes(name) ?? false, isNumber: isNumberType(type) };
	});
}
