/*
 * Values of rows as the engine gives them (docs/json.md, "row"), and as they are shown.
 */
export type Value = string | number | boolean | null | Value[] | { [name: string]: Value };
export type Cells = Record<string, Value>;

export interface Shown {
	kind: 'text' | 'null' | 'empty' | 'binary' | 'json';
	text: string;
}

const SHORT = 300;

function hexOf(value: Value): string | null {
	if (value === null || typeof value !== 'object' || Array.isArray(value)) return null;
	const names = Object.keys(value);
	return names.length === 1 && names[0] === 'hex' && typeof value.hex === 'string'
		? value.hex
		: null;
}

export function show(value: Value): Shown {
	if (value === null) return { kind: 'null', text: 'NULL' };
	if (value === '') return { kind: 'empty', text: 'empty' };
	if (typeof value === 'string') {
		return /^\\x(?:[0-9a-f]{2})*$/.test(value)
			? { kind: 'binary', text: value.slice(2) }
			: { kind: 'text', text: value };
	}
	const hex = hexOf(value);
	if (hex !== null) return { kind: 'binary', text: hex };
	return { kind: 'json', text: JSON.stringify(value) };
}

/** One line of it, for a cell: a long one ends early, since only its beginning can be seen. */
export function line(shown: Shown): string {
	if (shown.kind === 'binary') {
		const count = shown.text.length / 2;
		const some = shown.text.slice(0, 24);
		return `${count} ${count === 1 ? 'byte' : 'bytes'} ${some}${count > 12 ? '…' : ''}`;
	}
	const text = shown.text.length > SHORT ? `${shown.text.slice(0, SHORT)}…` : shown.text;
	return text.replaceAll('\n', '⏎').replaceAll('\t', '⇥');
}

/** Whole, for reading: documents over several lines, bytes as a dump. */
export function whole(value: Value): string {
	const shown = show(value);
	if (shown.kind === 'json') return JSON.stringify(value, null, 2);
	if (shown.kind === 'binary') return hexDump(shown.text);
	return shown.kind === 'text' ? shown.text : '';
}

const DUMP_BYTES = 4096;

export function hexDump(hex: string): string {
	const lines: string[] = [];
	const total = hex.length / 2;
	for (let at = 0; at < Math.min(total, DUMP_BYTES); at += 16) {
		const bytes = hex.slice(at * 2, at * 2 + 32).match(/../g) ?? [];
		const text = bytes
			.map((b) => {
				const code = parseInt(b, 16);
				return code >= 0x20 && code < 0x7f ? String.fromCharCode(code) : '.';
			})
			.join('');
		lines.push(
			`${at.toString(16).padStart(8, '0')}  ${bytes.join(' ').padEnd(47)}  ${text}`,
		);
	}
	if (total > DUMP_BYTES) lines.push(`and ${total - DUMP_BYTES} bytes more`);
	return lines.join('\n');
}

/** For downloads and the clipboard: as it is, not as it is shown. */
export function plain(value: Value): string {
	if (value === null) return '';
	if (typeof value === 'string') return value;
	return hexOf(value) ?? JSON.stringify(value);
}

/** Types whose values stand to the right, by their names in PostgreSQL, MariaDB, MySQL and SQLite. */
export function isNumberType(type: string): boolean {
	return /^(tiny|small|medium|big)?(int|integer|serial)\d*\b|^(numeric|decimal|real|float|double|money)\b/i.test(type);
}
