/*
 * A row, document or key that differs, as parts to show.
 */
import type { Cells, Value } from './value';

export type Change = 'added' | 'removed' | 'changed';

export interface Patch {
	op: string;
	path: string;
	value?: unknown;
	from?: string;
}

export interface DiffRow {
	change: Change;
	key: Cells;
	columns?: string[];
	before?: Cells;
	after?: Cells;
	patch?: Patch[];
}

/** What one cell, or one place in a document, was and is; undefined: it is not there on that side. */
export interface CellChange {
	name: string;
	before: Value | undefined;
	after: Value | undefined;
}

export const SIGN: Record<Change, string> = { added: '+', removed: '−', changed: '~' };

function isDocument(value: Value | undefined): value is Value[] | Cells {
	return typeof value === 'object' && value !== null;
}

/** The only column that is a document on both sides, which the row's patch is about. */
function patched(row: DiffRow): string | null {
	if (!row.patch) return null;
	const found = (row.columns ?? []).filter(
		(name) => isDocument(row.before?.[name]) && isDocument(row.after?.[name]),
	);
	return found.length === 1 ? (found[0] ?? null) : null;
}

/** What differs, column by column; within a document, place by place. */
export function changesOf(row: DiffRow): CellChange[] {
	const document = patched(row);
	return (row.columns ?? []).flatMap((name) =>
		name === document && row.patch
			? patchChanges(row.before?.[name] as Value, row.patch)
			: [{ name, before: row.before?.[name], after: row.after?.[name] }],
	);
}

/** A cell on one side; undefined: the side, or the column there, does not exist. NULL is a value. */
export function cell(row: DiffRow, side: 'before' | 'after', name: string): Value | undefined {
	const cells = row[side];
	if (!cells) return undefined;
	if (Object.hasOwn(cells, name)) return cells[name];
	return Object.hasOwn(row.key, name) ? row.key[name] : undefined;
}

/** The cells of a row on one side, without those of its key. */
export function othersOf(row: DiffRow): [string, Value][] {
	const side = row.after ?? row.before ?? {};
	return Object.entries(side).filter(([name]) => !(name in row.key));
}

/** "id 42", or "1 / 7" of several columns. */
export function keyText(row: DiffRow, text: (value: Value) => string): string {
	return Object.values(row.key).map(text).join(' / ');
}

// --- JSON Patch (RFC 6902), with what was there before ---

function parts(pointer: string): string[] {
	return pointer === ''
		? []
		: pointer
				.slice(1)
				.split('/')
				.map((p) => p.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** "a.b[2]", as people write it. */
export function place(pointer: string): string {
	const all = parts(pointer);
	if (all.length === 0) return '(whole)';
	return all
		.map((p, i) => (/^\d+$|^-$/.test(p) ? `[${p}]` : i === 0 ? p : `.${p}`))
		.join('');
}

function child(of: Value | undefined, name: string): Value | undefined {
	if (Array.isArray(of)) return of[Number(name)];
	return isDocument(of) && Object.hasOwn(of, name) ? of[name] : undefined;
}

function find(root: Value, pointer: string): Value | undefined {
	return parts(pointer).reduce<Value | undefined>(child, root);
}

function put(root: { value: Value }, pointer: string, value: Value, op: string): void {
	const all = parts(pointer);
	const last = all.pop();
	if (last === undefined) {
		root.value = value;
		return;
	}
	const holder = all.reduce<Value | undefined>(child, root.value);
	if (Array.isArray(holder)) {
		const at = last === '-' ? holder.length : Number(last);
		if (op === 'remove') holder.splice(at, 1);
		else if (op === 'add') holder.splice(at, 0, value);
		else holder[at] = value;
	} else if (isDocument(holder)) {
		if (op === 'remove') delete holder[last];
		else
			Object.defineProperty(holder, last, {
				value,
				writable: true,
				enumerable: true,
				configurable: true,
			});
	}
}

/** The steps of a patch, each with what it found: steps count on those before them. */
export function patchChanges(before: Value, patch: Patch[]): CellChange[] {
	const root = { value: structuredClone(before) };
	const out: CellChange[] = [];
	for (const step of patch) {
		if (step.op === 'test') continue;
		const value = (
			step.op === 'move' || step.op === 'copy'
				? structuredClone(find(root.value, step.from ?? ''))
				: structuredClone(step.value)
		) as Value | undefined;
		if (step.op === 'move') {
			out.push({ name: place(step.from ?? ''), before: value, after: undefined });
			put(root, step.from ?? '', null, 'remove');
		}
		const was = step.op === 'remove' || step.op === 'replace' ? find(root.value, step.path) : undefined;
		out.push({ name: place(step.path), before: was, after: step.op === 'remove' ? undefined : value });
		put(root, step.path, value ?? null, step.op === 'remove' || step.op === 'replace' ? step.op : 'add');
	}
	return out;
}
